//! Two threads that do nothing but hash, and the turns of those who wait for them.
//!
//! On the threads that tokio keeps for blocking work, a flood of logins would spread over many of them, and the
//! allocator keeps what each has used: measured, 19 MiB for every thread that ever hashed.

use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError, mpsc},
    time::Duration,
};

use tokio::{
    sync::{Semaphore, oneshot},
    time::timeout,
};

use super::AccountError;

/// Passwords hashed at once: each takes 19 MiB and a core, and a flood of logins must not become the outage.
pub const HASHES_AT_ONCE: usize = 2;
/// How long a login waits for its turn to be hashed: some 60 logins are in front then, and a person has given up.
const TURN_WITHIN: Duration = Duration::from_secs(2);

type Work = Box<dyn FnOnce() + Send>;

/// The threads, started when they are first needed; they end with the last store.
#[derive(Debug)]
pub struct Hashing {
    turns: Arc<Semaphore>,
    threads: OnceLock<mpsc::Sender<Work>>,
}

impl Default for Hashing {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(HASHES_AT_ONCE)), threads: OnceLock::new() }
    }
}

impl Hashing {
    /// Runs one hashing, when it is its turn. The turn ends with the work, also when nobody waits for it any more.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, AccountError> {
        let turn = timeout(TURN_WITHIN, Arc::clone(&self.turns).acquire_owned());
        let turn = turn.await.map_err(|_| AccountError::Busy)?.map_err(|_| AccountError::Busy)?;
        let (done, result) = oneshot::channel();
        let work: Work = Box::new(move || {
            // Nobody may wait any more.
            let _ = done.send(work());
            drop(turn);
        });
        let gone = || AccountError::Hash("the threads that hash have ended".to_owned());
        self.threads.get_or_init(start).send(work).map_err(|_| gone())?;
        result.await.map_err(|_| gone())
    }
}

fn start() -> mpsc::Sender<Work> {
    let (sender, receiver) = mpsc::channel::<Work>();
    let receiver = Arc::new(Mutex::new(receiver));
    for number in 1..=HASHES_AT_ONCE {
        let receiver = Arc::clone(&receiver);
        let thread = std::thread::Builder::new().name(format!("andon-hash-{number}"));
        let started = thread.spawn(move || {
            loop {
                // The lock is held while waiting only: whoever gets work lets the other wait.
                let work = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let Ok(work) = work else { return };
                work();
            }
        });
        if let Err(error) = started {
            tracing::error!(%error, "a thread that hashes passwords cannot be started");
        }
    }
    sender
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn never_more_than_two_at_once_and_each_is_done() {
        let (hashing, now, most) =
            (Arc::new(Hashing::default()), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut all = tokio::task::JoinSet::new();
        for number in 0..40 {
            let (hashing, now, most) = (Arc::clone(&hashing), Arc::clone(&now), Arc::clone(&most));
            all.spawn(async move {
                let work = move || {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(2));
                    now.fetch_sub(1, Ordering::SeqCst);
                    number
                };
                assert_eq!(hashing.run(work).await.unwrap(), number);
            });
        }
        while let Some(ended) = all.join_next().await {
            ended.unwrap();
        }
        assert_eq!(most.load(Ordering::SeqCst), HASHES_AT_ONCE);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_too_long_is_sent_away() {
        let hashing = Hashing::default();
        let _held = Arc::clone(&hashing.turns).acquire_many_owned(2).await.unwrap();
        assert!(matches!(hashing.run(|| ()).await, Err(AccountError::Busy)));
    }
}
