//! What the processes count of themselves, summed over their lives: a killed process begins at nothing again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::join_all;
use tokio::task::JoinHandle;

use crate::harness::Cluster;

/// A process that does not answer by then is frozen, or busy: it is asked again.
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);
/// How often they are asked.
const EVERY: Duration = Duration::from_millis(500);

/// Publishes to the log without an acknowledgement.
pub const UNKNOWN_ACKS: &str = "andon_unknown_acks_total";
/// Events refused because the chain had moved.
pub const REFUSED_EVENTS: &str = "andon_refused_compare_and_set_total";
/// What built on a claim that was not the newest.
pub const REFUSED_CLAIMS: &str = "andon_refused_stale_claims_total";
/// Viewers who had to begin anew.
pub const RESETS: &str = "andon_gateway_feed_resets_total";
const NAMES: [&str; 4] = [UNKNOWN_ACKS, REFUSED_EVENTS, REFUSED_CLAIMS, RESETS];

/// Counts by process and name.
#[derive(Default)]
struct Counts {
    /// Of lives that are over, and of the present one.
    lives: BTreeMap<(String, &'static str), (f64, f64)>,
}

impl Counts {
    fn add(&mut self, process: &str, name: &'static str, now: f64) {
        let (over, last) = self.lives.entry((process.to_owned(), name)).or_default();
        if now < *last {
            *over += *last;
        }
        *last = now;
    }
}

/// Asks every process of a cluster, again and again, until it is dropped.
pub struct Marks {
    counts: Arc<Mutex<Counts>>,
    addresses: Arc<Vec<(String, String)>>,
    http: reqwest::Client,
    asking: JoinHandle<()>,
    /// What was counted before it matters.
    before: BTreeMap<&'static str, f64>,
}

impl Marks {
    /// Begins.
    pub async fn start(cluster: &Cluster) -> Self {
        let status = cluster.tell("status").await.expect("it runs");
        let address = |line: &str| {
            let (process, url) = line.split_once(" measures at ")?;
            Some((process.to_owned(), url.to_owned()))
        };
        let addresses: Arc<Vec<_>> = Arc::new(status.lines().filter_map(address).collect());
        assert_eq!(addresses.len(), 3 + 2 + 2, "{status}");
        let http = reqwest::Client::builder().no_proxy().timeout(ANSWERS_WITHIN).build().expect("a client");
        let counts = Arc::<Mutex<Counts>>::default();
        let asking = tokio::spawn({
            let (addresses, http, counts) = (Arc::clone(&addresses), http.clone(), Arc::clone(&counts));
            async move {
                loop {
                    ask(&http, &addresses, &counts).await;
                    tokio::time::sleep(EVERY).await;
                }
            }
        });
        Self { counts, addresses, http, asking, before: BTreeMap::new() }
    }

    /// Asks now: somebody is about to be killed.
    pub async fn look(&self) {
        ask(&self.http, &self.addresses, &self.counts).await;
    }

    /// From now on: what nodes count while they find each other is nobody's fault.
    pub async fn begin(&mut self) {
        self.look().await;
        self.before = NAMES.into_iter().map(|name| (name, self.total(name))).collect();
    }

    /// How often it was counted since then, by all.
    pub fn count(&self, name: &str) -> f64 {
        self.total(name) - self.before.get(name).copied().unwrap_or_default()
    }

    fn total(&self, name: &str) -> f64 {
        let counts = self.counts.lock().expect("nobody panics with it");
        let of_name = counts.lives.iter().filter(|((_, known), _)| *known == name);
        of_name.map(|(_, (over, last))| over + last).fold(0.0, |sum, count| sum + count)
    }

    /// How many engines say that they are ready.
    pub async fn ready(&self) -> usize {
        let ready = self.addresses.iter().map(async |(_, url)| {
            let text = self.http.get(url).send().await.ok()?.text().await.ok()?;
            sum(&text, "andon_engine_ready").filter(|ready| *ready > 0.0)
        });
        join_all(ready).await.into_iter().flatten().count()
    }

    /// All of them, in words.
    pub fn told(&self) -> String {
        NAMES.map(|name| format!("{name} {}", self.count(name))).join(", ")
    }
}

impl Drop for Marks {
    fn drop(&mut self) {
        self.asking.abort();
    }
}

async fn ask(http: &reqwest::Client, addresses: &[(String, String)], counts: &Mutex<Counts>) {
    join_all(addresses.iter().map(async |(process, url)| {
        let Ok(answer) = http.get(url).send().await else { return };
        let Ok(text) = answer.text().await else { return };
        let mut counts = counts.lock().expect("nobody panics with it");
        for name in NAMES {
            if let Some(now) = sum(&text, name) {
                counts.add(process, name, now);
            }
        }
    }))
    .await;
}

/// The sum of a counter over its labels; none when it is not there.
fn sum(text: &str, name: &str) -> Option<f64> {
    let own = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{']));
    let values: Vec<f64> = text.lines().filter(own).filter_map(|line| line.rsplit_once(' ')?.1.parse().ok()).collect();
    (!values.is_empty()).then(|| values.iter().sum())
}

#[test]
fn counts_go_on_over_the_death_of_a_process_and_over_labels() {
    let text = "# TYPE a counter\na{reason=\"X Y\"} 2\na{reason=\"Z\"} 3\nab 7\n";
    assert_eq!((sum(text, "a"), sum(text, "ab"), sum(text, "b")), (Some(5.0), Some(7.0), None));
    let mut counts = Counts::default();
    for now in [1.0, 4.0, 1.0, 2.0] {
        counts.add("engine-1", UNKNOWN_ACKS, now);
    }
    assert_eq!(counts.lives[&("engine-1".to_owned(), UNKNOWN_ACKS)], (4.0, 2.0));
}
