//! The stage: a cluster, everybody who uses it, and the one who breaks it. A fault always ends, and after each the system
//! must serve again.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::crew::Crew;
use super::fault::{ENGINES, Fault, must};
use super::marks::Marks;
use super::schedule::Step;
use super::viewers::Viewers;
use crate::harness::{Cluster, Place, now_us, until};
use crate::survival::floor;
use crate::survival::history::History;
use crate::survival::load::Load;

/// When a silent session is closed: longer than a beat may be lost to a gateway that is frozen or gone.
pub const IDLE: Duration = Duration::from_secs(12);
/// Between two beats of a session.
pub const BEAT_EVERY: Duration = Duration::from_secs(1);
/// Busy workers.
const BUSY: std::ops::Range<usize> = 0..6;
/// Workers who are merely there, of whom the first few stay and the others fall silent, one a step.
const SITTING: std::ops::Range<usize> = 6..20;
const KEPT: usize = 4;
/// Commands of each busy worker that show that the system serves.
const SERVED: u64 = 3;

/// Everything that is on it.
pub struct Stage {
    /// The cluster.
    pub cluster: Cluster,
    /// What its processes count.
    pub marks: Marks,
    /// Busy workers.
    pub load: Option<Load>,
    /// Workers who are merely there.
    pub crew: Crew,
    /// Viewers of the feed.
    pub viewers: Option<Viewers>,
    /// What clients were told.
    pub history: Arc<Mutex<History>>,
    /// What was done, and when (microseconds since 1970).
    pub deeds: Vec<(i64, String)>,
    /// When a gateway was broken: beats that it had just said `ok` to may be lost.
    pub beats_lost: Vec<i64>,
}

impl Stage {
    /// A cluster of three engines at rest, with a small floor and everybody at work.
    pub async fn set() -> Self {
        let idle = humantime::format_duration(IDLE).to_string();
        let cluster = Cluster::start(Place::new().set("idle_timeout", &idle).set("log_max_bytes", "1GiB")).await;
        floor::build(&cluster.place);
        let marks = Marks::start(&cluster).await;
        let load = Load::across(&cluster.gateways, BUSY, BEAT_EVERY).await;
        let history = load.record();
        let crew = Crew::start(&cluster.gateways, SITTING, KEPT, BEAT_EVERY, &history).await;
        let viewers = Viewers::start(&cluster.gateways).await;
        let (load, viewers) = (Some(load), Some(viewers));
        let mut stage =
            Self { cluster, marks, load, crew, viewers, history, deeds: Vec::new(), beats_lost: Vec::new() };
        stage.serves_again().await;
        stage.marks.begin().await;
        stage
    }

    /// Writes down what is done.
    pub fn note(&mut self, what: &str) {
        eprintln!("{what}");
        self.deeds.push((now_us(), what.to_owned()));
    }

    /// Begins a fault.
    pub async fn begin(&mut self, fault: Fault) {
        self.marks.look().await;
        self.note(&format!("begins: {fault:?}"));
        if fault.loses_beats() {
            self.beats_lost.push(now_us());
        }
        fault.begin(&self.cluster).await;
    }

    /// Ends it.
    pub async fn end(&mut self, fault: Fault) {
        self.note(&format!("ends: {fault:?}"));
        fault.end(&self.cluster).await;
    }

    /// Gives an order that is no fault by itself.
    pub async fn tell(&mut self, order: &str) {
        self.note(order);
        must(&self.cluster, order).await;
    }

    /// One step of the schedule.
    pub async fn suffer(&mut self, step: &Step) {
        for (number, fault) in step.faults.iter().enumerate() {
            if number > 0 {
                sleep(step.between).await;
            }
            self.begin(*fault).await;
        }
        sleep(step.hold).await;
        for (number, fault) in step.faults.iter().enumerate() {
            if number > 0 {
                sleep(step.between).await;
            }
            self.end(*fault).await;
        }
    }

    /// Waits until every worker is served, every gateway and every engine is ready, and every viewer is in order.
    pub async fn serves_again(&mut self) {
        let begun = Instant::now();
        let load = self.load.as_ref().expect("they are at work");
        load.goes_on(SERVED).await;
        let served = begun.elapsed();
        for gateway in &self.cluster.gateways {
            floor::ready(gateway, &mut [&mut self.cluster.process]).await;
        }
        until("every engine is ready", async || self.marks.ready().await == ENGINES.len()).await;
        self.viewers.as_ref().expect("they follow").are_well();
        let ready = begun.elapsed();
        self.note(&format!("serves again after {served:.1?}, all ready after {ready:.1?}: {}", self.marks.told()));
    }
}
