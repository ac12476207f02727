//! Watches over the other nodes: tells them of this one, hears of them, and asks each whether it lives.
//!
//! A dead process has no responder (twice, 250 ms apart), a frozen one does not answer for a second. Silence counts only
//! while this node hears itself: with the server frozen or the connection gone, everybody would seem silent.

use std::{collections::HashSet, sync::Arc, time::Duration};

use andon_nats::RequestError;
use async_nats::Subscriber;
use bus_schemas::{NodeStatus, TakenWhy, codec, subject};
use bytes::Bytes;
use futures::{StreamExt, stream::FuturesUnordered};
use ractor::ActorRef;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::{clock::Mono, node::NodeMsg, receive, shared::Shared};

/// How often each other node is asked.
const ASK_EVERY: Duration = Duration::from_millis(250);
/// Every so many rounds this node tells of itself: twice a second.
const TELL_ROUNDS: u32 = 2;
/// A node's subject must have no responder twice, this far apart.
const ASK_AGAIN: Duration = Duration::from_millis(250);
/// Silence of a second is suspicious: so long at first, and the rest when this node has heard itself meanwhile. Asked
/// once more, because a node that was suspended itself finds its timers expired before it has read what was answered.
const ANSWER_WITHIN: Duration = Duration::from_millis(750);
const LAST_WITHIN: Duration = Duration::from_millis(250);
/// The server answers a node that asks itself within this, or is the silent one.
const SELF_WITHIN: Duration = Duration::from_millis(500);
/// Questions under way; beyond it a node is asked in a later round.
const QUESTIONS_MAX: usize = 256;

/// What asking a node has shown.
enum Verdict {
    Lives,
    Gone(TakenWhy),
    /// This node could not ask, or not hear.
    Unknown,
}

/// Watches until `stop`.
pub async fn run(shared: Arc<Shared>, node: ActorRef<NodeMsg>, mut told: Subscriber, stop: CancellationToken) {
    let mut ticks = interval(ASK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut questions: FuturesUnordered<Question> = FuturesUnordered::new();
    let mut asked: HashSet<Box<str>> = HashSet::new();
    let mut round = 0_u32;
    loop {
        let changed = tokio::select! {
            () = stop.cancelled() => return,
            Some(message) = told.next() => hear(&shared, &message).await,
            Some((id, verdict)) = questions.next() => {
                asked.remove(&id);
                judge(&shared, &id, &verdict)
            }
            () = shared.look_again.notified() => {
                tell(&shared).await;
                ask_all(&shared, &mut asked, &questions);
                false
            }
            _ = ticks.tick() => {
                if round.is_multiple_of(TELL_ROUNDS) {
                    tell(&shared).await;
                }
                round = round.wrapping_add(1);
                ask_all(&shared, &mut asked, &questions);
                false
            }
        };
        if changed {
            let _ = node.cast(NodeMsg::Look);
        }
    }
}

/// Tells all nodes of this one.
async fn tell(shared: &Shared) {
    if let Ok(payload) = codec::encode(&receive::status(shared)) {
        let _ = shared.bus().send(subject::NODES.to_owned(), None, payload.into()).await;
    }
}

/// Another node tells of itself; whether that changes anything. A new one is told of this one at once.
async fn hear(shared: &Shared, message: &andon_nats::Message) -> bool {
    let Ok(status) = codec::decode::<NodeStatus>(&message.payload) else { return false };
    let changed = shared.members.lock().announced(&status.node_id, status.leaving, Mono::now());
    if changed {
        tracing::info!(node = %status.node_id, leaving = status.leaving, "heard of a node");
        tell(shared).await;
    }
    changed
}

type Question = std::pin::Pin<Box<dyn Future<Output = (Box<str>, Verdict)> + Send>>;

fn ask_all(shared: &Arc<Shared>, asked: &mut HashSet<Box<str>>, questions: &FuturesUnordered<Question>) {
    let others = shared.members.lock().others();
    for id in others {
        if asked.len() < QUESTIONS_MAX && asked.insert(id.clone()) {
            let shared = Arc::clone(shared);
            questions.push(Box::pin(async move {
                let verdict = ask(&shared, &id).await;
                (id, verdict)
            }));
        }
    }
}

async fn ask(shared: &Shared, id: &str) -> Verdict {
    for again in [false, true] {
        if again {
            tokio::time::sleep(ASK_AGAIN).await;
        }
        if let Some(verdict) = ask_patiently(shared, id).await {
            return verdict;
        }
    }
    Verdict::Gone(TakenWhy::NoResponder)
}

/// `None`: there is no responder.
async fn ask_patiently(shared: &Shared, id: &str) -> Option<Verdict> {
    match ask_once(shared, id, ANSWER_WITHIN).await {
        Ok(()) => return Some(Verdict::Lives),
        Err(RequestError::NoResponders) => return None,
        Err(RequestError::Disconnected) => return Some(Verdict::Unknown),
        Err(RequestError::TimedOut) => {}
    }
    if ask_once(shared, &shared.node_id, SELF_WITHIN).await.is_err() {
        return Some(Verdict::Unknown);
    }
    match ask_once(shared, id, LAST_WITHIN).await {
        Ok(()) => Some(Verdict::Lives),
        // It died with the question on its way.
        Err(RequestError::NoResponders) => None,
        Err(RequestError::TimedOut) => Some(Verdict::Gone(TakenWhy::Silent)),
        Err(RequestError::Disconnected) => Some(Verdict::Unknown),
    }
}

async fn ask_once(shared: &Shared, id: &str, within: Duration) -> Result<(), RequestError> {
    shared.bus().request(subject::node(id), None, Bytes::new(), within).await.map(drop)
}

fn judge(shared: &Shared, id: &str, verdict: &Verdict) -> bool {
    let mut members = shared.members.lock();
    let changed = match *verdict {
        Verdict::Lives => members.answered(id, Mono::now()),
        Verdict::Gone(why) => members.suspect(id, why, Mono::now()),
        Verdict::Unknown => false,
    };
    drop(members);
    if changed {
        match verdict {
            Verdict::Gone(why) => tracing::warn!(node = id, why = why.as_str(), "a node cannot be reached"),
            _ => tracing::info!(node = id, "a node is reached"),
        }
    }
    changed
}
