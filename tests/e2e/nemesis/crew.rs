//! Workers who are merely there: some keep their session with heartbeats all along, some fall silent on purpose, as a
//! tablet does whose battery is empty.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::harness::Ways;
use crate::survival::floor;
use crate::survival::hand::Hand;
use crate::survival::history::History;
use crate::survival::keeper::{Beats, Keeper};

/// Beats that are heard of somebody who then falls silent.
const BEATS_BEFORE_SILENCE: u32 = 2;

/// When all is well again, everybody is served by then.
const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody with a session.
pub struct Sitter {
    /// The session.
    pub session: String,
    /// What became of the beats.
    pub beats: Beats,
}

/// Who is to come, who stays, and who goes.
pub struct Crew {
    beat_every: Duration,
    station: String,
    to_come: Vec<(Hand, Ways)>,
    kept: Vec<(String, Keeper)>,
    going: Vec<JoinHandle<Sitter>>,
}

impl Crew {
    /// Signs workers in; the first `kept` of them open sessions that they keep.
    pub async fn start(
        gateways: &[String],
        numbers: std::ops::Range<usize>,
        kept: usize,
        beat_every: Duration,
        history: &Arc<Mutex<History>>,
    ) -> Self {
        let first = numbers.start;
        let workers = floor::sign_in(&gateways[0], numbers).await;
        let station = floor::station(&workers[0]).await;
        let person = |(index, worker): (usize, &crate::harness::Worker)| {
            let ways = Ways::new(&worker.client, gateways, index);
            (Hand::new(&worker.id, ways.clone(), &format!("w{}", first + index), Arc::clone(history)), ways)
        };
        // The last one comes first.
        let to_come = workers.iter().enumerate().map(person).rev().collect();
        let mut crew = Self { beat_every, station, to_come, kept: Vec::new(), going: Vec::new() };
        for _ in 0..kept {
            let (mut hand, ways) = crew.to_come.pop().expect("as many as were signed in");
            let session = hand.open(&crew.station, "J-KEPT").await.expect("opened");
            let keeper = Keeper::of(ways, &session, beat_every);
            crew.kept.push((session, keeper));
        }
        crew
    }

    /// Somebody opens a session, works a little and is never heard of again, whatever happens meanwhile. Nobody does
    /// when nobody is left.
    pub fn one_falls_silent(&mut self) {
        let Some((mut hand, ways)) = self.to_come.pop() else { return };
        let (station, every) = (self.station.clone(), self.beat_every);
        self.going.push(tokio::spawn(async move {
            let session = hand.open(&station, "J-SILENT").await.expect("nobody else has one");
            hand.status(&session, "production").await;
            let keeper = Keeper::of(ways, &session, every);
            while keeper.beats().heard < BEATS_BEFORE_SILENCE {
                sleep(every / 10).await;
            }
            Sitter { session, beats: keeper.stop().await }
        }));
    }

    /// Those who have fallen silent.
    pub async fn silent(&mut self) -> Vec<Sitter> {
        let mut silent = Vec::new();
        for going in self.going.drain(..) {
            let gone = timeout(PATIENCE, going).await.expect("whoever falls silent is served until then");
            silent.push(gone.expect("whoever falls silent was served in order"));
        }
        silent
    }

    /// Those who kept their session; they stop now.
    pub async fn kept(&mut self) -> Vec<Sitter> {
        let mut kept = Vec::new();
        for (session, keeper) in self.kept.drain(..) {
            kept.push(Sitter { session, beats: keeper.stop().await });
        }
        kept
    }
}
