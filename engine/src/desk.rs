//! What a session actor holds and does: the worker's state, and the protocol of answering a command (rules 1 to 5, 7).

mod own;

use std::{sync::Arc, time::Duration};

use andon_nats::{Publish, PublishError};
use bus_schemas::{Command, CommandId, Done, Partition, Refusal, Reply, SessionEvent, WorkerId, WorkerState};
use ractor::ActorRef;

pub use own::Prepared;

use crate::{
    cell::Cell,
    chain::{self, ChainError, Tip},
    clock::{Mono, Reading},
    session::{self, Ask, Context, Decision},
    session_actor::SessionArgs,
    shard::ShardMsg,
    shared::Shared,
    slot::Slot,
    work::{Hand, Work},
};

/// Pause before the same event is sent again: the server had no room, or did not answer.
const AGAIN_AFTER: Duration = Duration::from_millis(20);
/// A read or publish that no command waits for.
const QUIET_WITHIN: Duration = Duration::from_secs(1);
/// An engine that lags behind the directory its command's gateway saw waits this long, then is busy.
const DIRECTORY_WITHIN: Duration = Duration::from_secs(2);

/// The state of a session actor.
pub struct Desk {
    shared: Arc<Shared>,
    worker: WorkerId,
    partition: Partition,
    shard: ActorRef<ShardMsg>,
    /// What is being served.
    pub hand: Arc<Hand>,
    loaded: bool,
    seq: u64,
    state: Option<Box<WorkerState>>,
    cell: Option<Arc<Cell>>,
    unknown: Option<Box<Unknown>>,
    /// A publish of the command in hand had no answer. The chain may have moved by that very publish, so until it is
    /// decided again no answer may say that nothing was published (rules 2 and 6).
    published: bool,
    /// The leader's chain cannot be read, or ends before what is known here: every close would be refused.
    unreadable: bool,
}

/// A publish of unknown outcome: while the chain has not moved, the same is sent again (rule 2).
struct Unknown {
    command_id: CommandId,
    body_hash: u64,
    base: u64,
    events: Vec<SessionEvent>,
    messages: Vec<Publish>,
}

/// What became of one round of serving.
enum Round {
    Answer(Reply),
    /// A leader read was made, or the outcome is unknown and one is due.
    Again,
    /// Nothing was stored and nothing read: the memory is no newer than before.
    Retry,
}

impl Desk {
    /// A desk for this worker; with the chain's last message, or to be loaded.
    #[must_use]
    pub fn new(args: SessionArgs) -> Self {
        let mut desk = Self {
            shared: args.shared,
            worker: args.worker,
            partition: args.partition,
            shard: args.shard,
            hand: args.hand,
            loaded: false,
            seq: 0,
            state: None,
            cell: None,
            unknown: None,
            published: false,
            unreadable: false,
        };
        if let Some(tip) = args.tip {
            desk.adopt(*tip);
        }
        desk
    }

    /// Whether nothing is left to do: the chain is known and has no active session, and no outcome is open.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.loaded && self.cell.is_none() && self.unknown.is_none()
    }

    /// Reads the chain, unless it is known.
    pub async fn load(&mut self) {
        if !self.loaded {
            self.refresh_quietly().await;
        }
    }

    /// Reads the chain; an error is only logged.
    pub async fn refresh_quietly(&mut self) {
        let known = self.unreadable;
        if let Err(error) = self.refresh(QUIET_WITHIN).await
            && !(known && self.unreadable)
        {
            tracing::warn!(worker = %self.worker, %error, "a chain could not be read");
        }
    }

    async fn refresh(&mut self, within: Duration) -> Result<(), ChainError> {
        let tip = self.shared.chain.tip(self.worker, within).await;
        self.unreadable = match &tip {
            Ok(tip) => tip.seq < self.seq,
            Err(ChainError::Unreadable { .. }) => true,
            // The log did not answer: that says nothing of the chain.
            Err(ChainError::Read(_)) => self.unreadable,
        };
        self.adopt(tip?);
        Ok(())
    }

    /// Takes over what the chain says, if it is newer.
    pub fn adopt(&mut self, tip: Tip) {
        let first = !std::mem::replace(&mut self.loaded, true);
        if tip.seq <= self.seq && !first {
            return;
        }
        let seen = self.shared.mono_of_log(tip.time_us, &Reading::take());
        self.set(tip.state, tip.seq, seen);
    }

    /// Takes over an event of this worker that is stored.
    pub fn store(&mut self, event: &SessionEvent, seq: u64) {
        if seq > self.seq {
            let state = session::apply(self.state.as_deref(), event, seq);
            self.set(Some(Box::new(state)), seq, Mono::now());
        }
    }

    fn set(&mut self, state: Option<Box<WorkerState>>, seq: u64, seen: Mono) {
        self.state = state;
        self.seq = seq;
        self.unreadable = false;
        let active = self.state.as_deref().map(|state| &state.session).filter(|session| session.is_active());
        let session_id = active.map(|session| session.id);
        if self.cell.as_ref().map(|cell| cell.session_id) != session_id {
            if let Some(old) = self.cell.take() {
                self.slot().remove(old.session_id);
            }
            self.cell = session_id.map(|id| {
                // After a panic the cell is still there, with its beats.
                self.slot().cell(id).unwrap_or_else(|| {
                    let cell = Arc::new(Cell::new(id, self.worker, seen, seq));
                    self.slot().insert(Arc::clone(&cell));
                    cell
                })
            });
            if let Some(cell) = &self.cell {
                let _ = self.shard.cast(ShardMsg::Armed(Arc::clone(cell)));
            }
        }
        if let (Some(cell), Some(state)) = (&self.cell, &self.state) {
            if state.session.last_proof_at_us == state.session.updated_at_us {
                // The worker's own event, whoever wrote it and however late it was stored (rule 13).
                cell.stored_at(seen);
            }
            cell.know(seq);
            cell.raise_floor(state.session.last_proof_at_us);
        }
        if self.unknown.as_ref().is_some_and(|unknown| unknown.base < seq) {
            self.unknown = None;
        }
    }

    fn slot(&self) -> &Slot {
        self.shared.slot(self.partition)
    }

    /// Serves one attempt of a command.
    pub async fn serve(&mut self, work: &Work) {
        if let Some(cell) = self.cell.as_ref().filter(|_| session::is_proof_of_life(&work.command)) {
            cell.touch(work.arrived, self.shared.gateways.index_of(work.command.gateway_id));
        }
        let reply = self.decide_and_publish(work).await;
        work.answer(self.shared.bus(), &reply).await;
    }

    async fn decide_and_publish(&mut self, work: &Work) -> Reply {
        let command = &work.command;
        // Whether the memory is as new as a leader read made after the command arrived (rule 3).
        let mut fresh = false;
        self.published = false;
        loop {
            let Some(log_now) = self.shared.log_clock.now() else { return self.busy(command, "log time is not known") };
            // Checked before every decide; whatever is waited for ends with it (rule 7).
            let left = command.expires_at_us.since(log_now);
            if left.is_zero() {
                return if self.may_have_effect(command) { Reply::Unknown } else { Reply::Expired };
            }
            if self.shared.health.is_mute() {
                return self.busy(command, "the log does not acknowledge");
            }
            if !self.loaded || (self.is_unknown(command) && !fresh) {
                if let Err(error) = self.refresh(left).await {
                    return self.unread(command, &error);
                }
                fresh = true;
                continue;
            }
            if self.is_unknown(command) {
                // The chain has not moved, or `set` would have forgotten it: the same again, nothing is decided anew.
                match self.send_again(left).await {
                    Round::Answer(reply) => return reply,
                    Round::Again | Round::Retry => {
                        fresh = false;
                        continue;
                    }
                }
            }
            if !self.shared.directory.reach(command.directory_seq, left.min(DIRECTORY_WITHIN)).await {
                return self.busy(command, "the directory is not read that far");
            }
            match self.round(work, left, fresh).await {
                Round::Answer(reply) => return reply,
                Round::Again => fresh = !self.is_unknown(command),
                Round::Retry => {}
            }
        }
    }

    /// Decides once, and publishes or answers.
    async fn round(&mut self, work: &Work, left: Duration, fresh: bool) -> Round {
        let command = &work.command;
        if let Some(before) = &self.shared.before_decide {
            before(command);
        }
        let decision = {
            let directory = self.shared.directory.load();
            let reading = Reading::take();
            let context = Context { directory: &directory, now: reading.wall, deadline: self.deadline_wall(&reading) };
            session::decide(self.state.as_deref(), &Ask::Command(command), &context)
        };
        match decision {
            Ok(Decision::Publish(events)) => self.publish(work, events, left).await,
            _ if !fresh => match self.refresh(left).await {
                Ok(()) => Round::Again,
                Err(error) => Round::Answer(self.unread(command, &error)),
            },
            silent => Round::Answer(self.answer_silently(command, silent, left).await),
        }
    }

    /// An answer that publishes nothing, after the leader read of rule 3.
    async fn answer_silently(&self, command: &Command, decision: Result<Decision, Refusal>, left: Duration) -> Reply {
        match decision {
            Err(refusal) => Reply::Refused(Box::new(refusal)),
            Ok(Decision::Nothing(done)) => Reply::Done(Box::new(Done { seq: self.seq, ..done })),
            Ok(Decision::Wait { until_us }) => Reply::Wait { until_us },
            Ok(Decision::Repeat { seq }) => match self.shared.chain.event(self.worker, seq, left).await {
                Ok(Some(event)) => Reply::Done(Box::new(session::answer_from_event(&event, seq))),
                Ok(None) => match self.state.as_deref() {
                    Some(state) => Reply::Done(Box::new(session::answer_without_event(command, state, self.seq))),
                    None => Reply::Unknown,
                },
                Err(_) => Reply::Unknown,
            },
            // `round` publishes these.
            Ok(Decision::Publish(_)) => Reply::Unknown,
        }
    }

    async fn publish(&mut self, work: &Work, events: Vec<SessionEvent>, left: Duration) -> Round {
        let command = &work.command;
        let messages = match chain::messages(self.worker, self.seq, &events, work.trace.as_deref()) {
            Ok(messages) => messages,
            Err(error) => {
                tracing::error!(%error, "an event cannot be encoded");
                return Round::Answer(self.busy(command, "an event cannot be encoded"));
            }
        };
        let outcome = self.send(&messages, left).await;
        match outcome {
            Ok(last_seq) => Round::Answer(self.stored(&events, last_seq)),
            Err(PublishError::Unknown) => {
                self.published = true;
                self.unknown = Some(Box::new(Unknown {
                    command_id: command.id.clone(),
                    body_hash: command.body_hash(),
                    base: self.seq,
                    events,
                    messages,
                }));
                Round::Again
            }
            Err(error) => self.not_stored(command, error, left).await,
        }
    }

    /// Sends the event of unknown outcome again (rule 2).
    async fn send_again(&mut self, left: Duration) -> Round {
        let Some(unknown) = self.unknown.take() else { return Round::Again };
        self.published = true;
        tokio::time::sleep(AGAIN_AFTER.min(left)).await;
        let outcome = self.send(&unknown.messages, left).await;
        match outcome {
            Ok(last_seq) => Round::Answer(self.stored(&unknown.events, last_seq)),
            // The first sending may have been stored meanwhile: the read tells.
            Err(_) => {
                self.unknown = Some(unknown);
                Round::Again
            }
        }
    }

    async fn send(&self, messages: &[Publish], left: Duration) -> Result<u64, PublishError> {
        let sent = Mono::now();
        let outcome = self.shared.chain.publish(messages, left).await;
        match &outcome {
            Ok(_) => self.shared.health.answered(),
            Err(error) => {
                let moved = u64::from(*error == PublishError::Moved);
                metrics::counter!("andon_refused_compare_and_set_total").increment(moved);
                self.shared.health.refused(error, sent);
            }
        }
        outcome.map(|ack| ack.seq)
    }

    fn stored(&mut self, events: &[SessionEvent], last_seq: u64) -> Reply {
        self.unknown = None;
        let first_seq = (last_seq + 1).saturating_sub(events.len() as u64);
        for (event, seq) in events.iter().zip(first_seq..) {
            self.store(event, seq);
        }
        match events.last() {
            Some(event) => Reply::Done(Box::new(session::answer_from_event(event, last_seq))),
            None => Reply::Unknown,
        }
    }

    /// Nothing of this publish was stored, for certain.
    async fn not_stored(&mut self, command: &Command, error: PublishError, left: Duration) -> Round {
        match error {
            // Somebody else wrote: read, and decide again on that. The ring tells whether it was this very command.
            PublishError::Moved => match self.refresh(left).await {
                Ok(()) => Round::Again,
                Err(error) => Round::Answer(self.unread(command, &error)),
            },
            PublishError::Retry(_) => {
                tokio::time::sleep(AGAIN_AFTER.min(left)).await;
                Round::Retry
            }
            PublishError::Full => Round::Answer(Reply::LogFull),
            PublishError::NotSent(_) => Round::Answer(self.busy(command, "the log is not reached")),
            error => {
                tracing::error!(worker = %self.worker, %error, "the log refuses an event");
                Round::Answer(self.busy(command, "the log refuses the event"))
            }
        }
    }

    /// Whether an earlier publish of this very command has an unknown outcome.
    fn is_unknown(&self, command: &Command) -> bool {
        self.unknown
            .as_ref()
            .is_some_and(|unknown| unknown.command_id == command.id && unknown.body_hash == command.body_hash())
    }

    /// Whether something of this command was published, by this attempt or an earlier one, and may be stored.
    fn may_have_effect(&self, command: &Command) -> bool {
        self.published || self.is_unknown(command)
    }

    /// "Not now", or "unknown" when something of this command was published.
    fn busy(&self, command: &Command, why: &str) -> Reply {
        if self.may_have_effect(command) { Reply::Unknown } else { Reply::Busy { why: why.into() } }
    }

    fn unread(&self, command: &Command, error: &ChainError) -> Reply {
        if matches!(error, ChainError::Unreadable { .. }) {
            metrics::counter!("andon_unreadable_messages_total", "stream" => "log").increment(1);
            tracing::error!(%error, "a chain cannot be read");
        }
        self.busy(command, &error.to_string())
    }
}
