//! Somebody who keeps a session alive with heartbeats and nothing else, as a tablet on a quiet machine does.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::harness::{Ways, now_us};

/// A beat that was not answered by then is given up; the next one is due.
const BEAT_LIMIT: Duration = Duration::from_secs(5);

/// Heartbeats of one session at a time.
pub struct Keeper {
    session: Arc<Mutex<Option<String>>>,
    beats: Arc<Mutex<Beats>>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// What became of the beats.
#[derive(Clone, Default)]
pub struct Beats {
    /// Answered `ok`.
    pub heard: u32,
    /// Answered 503, and whether `Retry-After` was there each time.
    pub sent_away: u32,
    /// Not answered.
    pub unanswered: u32,
    /// Longest time between two that were heard.
    pub apart: Duration,
    /// Of those that were heard: the session, and when it was sent (microseconds since 1970).
    pub signs: Vec<(String, i64)>,
    /// Sessions that were said to be closed while they were being kept.
    pub lost: Vec<String>,
}

impl fmt::Debug for Beats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { heard, sent_away, unanswered, apart, lost, signs: _ } = self;
        write!(f, "{heard} beats heard, {sent_away} sent away, {unanswered} unanswered, {apart:?} apart, lost {lost:?}")
    }
}

impl Keeper {
    /// Keeps nothing yet, see [`Keeper::session`].
    pub fn idle(ways: impl Into<Ways>, every: Duration) -> Self {
        Self::start(ways.into(), None, every)
    }

    /// Keeps this session.
    pub fn of(ways: impl Into<Ways>, session: &str, every: Duration) -> Self {
        Self::start(ways.into(), Some(session.to_owned()), every)
    }

    fn start(ways: Ways, session: Option<String>, every: Duration) -> Self {
        let session = Arc::new(Mutex::new(session));
        let beats = Arc::<Mutex<Beats>>::default();
        let stop = CancellationToken::new();
        let keeping = keep(ways, every, Arc::clone(&session), Arc::clone(&beats));
        let task = tokio::spawn({
            let stop = stop.clone();
            async move {
                stop.run_until_cancelled(keeping).await;
            }
        });
        Self { session, beats, stop, task }
    }

    /// The session it keeps; may be changed.
    pub fn session(&self) -> Arc<Mutex<Option<String>>> {
        Arc::clone(&self.session)
    }

    /// What became of the beats so far.
    pub fn beats(&self) -> Beats {
        self.beats.lock().expect("nobody panics with it").clone()
    }

    /// Beats no more. No session that it kept may have been said to be closed.
    pub async fn stop(self) -> Beats {
        self.stop.cancel();
        self.task.await.expect("no heartbeat has failed");
        let beats = self.beats.lock().expect("nobody panics with it").clone();
        assert!(beats.lost.is_empty(), "closed, although it was kept alive: {beats:?}");
        beats
    }
}

async fn keep(ways: Ways, every: Duration, session: Arc<Mutex<Option<String>>>, beats: Arc<Mutex<Beats>>) {
    let kept = || session.lock().expect("nobody panics with it").clone();
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last_heard = None;
    loop {
        ticks.tick().await;
        let Some(session) = kept() else { continue };
        let sent = Instant::now();
        let body = json!({"sessionId": session});
        let sent_us = now_us();
        let beat = ways.now().try_post("/api/sessions/heartbeat", &body, None);
        let answered = tokio::time::timeout(BEAT_LIMIT, beat).await;
        // What happened to a session that has been given up meanwhile is nobody's loss.
        let is_kept = kept().as_deref() == Some(&*session);
        let mut beats = beats.lock().expect("nobody panics with it");
        match answered {
            Ok(Ok(answer)) if answer.status == 200 && answer.body["ok"] == true => {
                beats.heard += 1;
                beats.signs.push((session, sent_us));
                if let Some(last) = last_heard.replace(sent) {
                    beats.apart = beats.apart.max(sent - last);
                }
            }
            Ok(Ok(answer)) if answer.status == 200 => {
                if is_kept && answer.body["error"] == "SESSION_CLOSED" {
                    beats.lost.push(session);
                }
            }
            Ok(Ok(answer)) if answer.status == 503 && answer.retry_after.is_some() => {
                beats.sent_away += 1;
                ways.next();
            }
            Ok(Ok(answer)) => panic!("a heartbeat was answered {answer:?}"),
            Ok(Err(_)) | Err(_) => {
                beats.unanswered += 1;
                ways.next();
            }
        }
    }
}
