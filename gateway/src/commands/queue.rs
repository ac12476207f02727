//! One command per worker at a time, in order of arrival (protocol rule 7). Workers without commands cost nothing.

use std::{collections::HashMap, sync::Arc};

use bus_schemas::WorkerId;
use parking_lot::Mutex;
use tokio::sync::{Mutex as FairMutex, OwnedMutexGuard};

/// Commands of one worker that may wait: more than a client's queue of 32 would be a client gone wild.
const WAITING_MAX: usize = 32;

/// Who is at work for which worker. Clones share it.
#[derive(Clone, Default)]
pub struct WorkerQueue(Arc<Mutex<HashMap<WorkerId, Arc<FairMutex<()>>>>>);

/// Too many commands of this worker wait already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crowded;

impl WorkerQueue {
    /// Waits until it is this command's turn; tokio's mutex hands over in order of arrival.
    ///
    /// # Errors
    /// Too many commands wait already.
    pub async fn turn(&self, worker: WorkerId) -> Result<Turn, Crowded> {
        let place = self.place(worker)?;
        let guard = Arc::clone(&place.lock).lock_owned().await;
        Ok(Turn { _guard: guard, _place: place })
    }

    fn place(&self, worker: WorkerId) -> Result<Place, Crowded> {
        let mut lines = self.0.lock();
        let lock = Arc::clone(lines.entry(worker).or_default());
        // Each waiting command holds two clones (its place and its wait), the map one.
        if Arc::strong_count(&lock) > 2 * WAITING_MAX {
            return Err(Crowded);
        }
        drop(lines);
        Ok(Place { queue: self.clone(), worker, lock })
    }

    /// How many workers have commands in flight or waiting.
    #[cfg(test)]
    pub fn workers(&self) -> usize {
        self.0.lock().len()
    }
}

/// A place in a worker's line; leaving it empties the line when it was the last.
struct Place {
    queue: WorkerQueue,
    worker: WorkerId,
    lock: Arc<FairMutex<()>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut lines = self.queue.0.lock();
        // Only the map and this place are left: nobody holds the turn or waits for it.
        if Arc::strong_count(&self.lock) <= 2 {
            lines.remove(&self.worker);
        }
    }
}

/// The right to send this worker's commands, until it is dropped. The guard goes first: fields drop in order.
pub struct Turn {
    _guard: OwnedMutexGuard<()>,
    _place: Place,
}

#[cfg(test)]
mod tests {
    use std::{future::Future, pin::pin, task::Poll};

    use super::*;

    fn worker(number: u128) -> WorkerId {
        WorkerId(uuid::Uuid::from_u128(number))
    }

    async fn is_pending<F: Future + Unpin>(future: &mut F) -> bool {
        std::future::poll_fn(|context| Poll::Ready(std::pin::Pin::new(&mut *future).poll(context).is_pending())).await
    }

    #[tokio::test]
    async fn turns_come_one_at_a_time_in_order_and_leave_nothing_behind() {
        let queue = WorkerQueue::default();
        let first = queue.turn(worker(1)).await.ok().unwrap();
        let mut second = pin!(queue.turn(worker(1)));
        let mut third = pin!(queue.turn(worker(1)));
        assert!(is_pending(&mut second).await);
        assert!(is_pending(&mut third).await);
        // Another worker is not held up.
        drop(queue.turn(worker(2)).await.ok().unwrap());
        drop(first);
        assert!(is_pending(&mut third).await);
        drop(second.await.ok().unwrap());
        drop(third.await.ok().unwrap());
        assert_eq!(queue.workers(), 0);
    }

    #[tokio::test]
    async fn one_who_stops_waiting_leaves_the_line_to_the_others() {
        let queue = WorkerQueue::default();
        let first = queue.turn(worker(1)).await.ok().unwrap();
        {
            let mut gone = Box::pin(queue.turn(worker(1)));
            assert!(is_pending(&mut gone).await);
        }
        let mut third = Box::pin(queue.turn(worker(1)));
        assert!(is_pending(&mut third).await);
        drop(first);
        drop(third.await.ok().unwrap());
        assert_eq!(queue.workers(), 0);
    }

    #[tokio::test]
    async fn a_line_is_bounded() {
        let queue = WorkerQueue::default();
        let _first = queue.turn(worker(1)).await.ok().unwrap();
        let mut waiting = Vec::new();
        loop {
            let mut next = Box::pin(queue.turn(worker(1)));
            if !is_pending(&mut next).await {
                break;
            }
            waiting.push(next);
            assert!(waiting.len() <= WAITING_MAX);
        }
        assert!(waiting.len() >= WAITING_MAX - 1, "{}", waiting.len());
    }
}
