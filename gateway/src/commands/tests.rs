//! Tests of the command loop against a scripted owner, with paused time.

use std::{collections::VecDeque, time::Duration};

use bus_schemas::{Claim, Extra, RefusalCode, SessionEvent, SessionId};
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::*;
use crate::wire::LogUnread;

const LOG_START: TimeUs = TimeUs::from_micros(1_000_000_000_000);

/// What the owner does with one attempt, and after how long.
type Move = (Exchanged, Duration);

struct Script {
    started: Instant,
    moves: Mutex<VecDeque<Move>>,
    sent: Mutex<Vec<(String, Command, Duration)>>,
    connected: bool,
}

impl Script {
    fn new(moves: impl IntoIterator<Item = Move>) -> Arc<Self> {
        Arc::new(Self {
            started: Instant::now(),
            moves: Mutex::new(moves.into_iter().collect()),
            sent: Mutex::default(),
            connected: true,
        })
    }
}

impl Wire for Script {
    fn exchange<'a>(
        &'a self,
        node_id: &'a str,
        command: &'a Command,
        _: &'a str,
        within: Duration,
    ) -> BoxFuture<'a, Exchanged> {
        self.sent.lock().push((node_id.to_owned(), command.clone(), self.started.elapsed()));
        let (answer, after) = self.moves.lock().pop_front().unwrap_or((Exchanged::Nobody, Duration::ZERO));
        Box::pin(async move {
            tokio::time::sleep(after.min(within)).await;
            if after >= within { Exchanged::Nothing } else { answer }
        })
    }

    fn last_event(&self, _: WorkerId) -> BoxFuture<'_, Result<Option<(SessionEvent, u64)>, LogUnread>> {
        Box::pin(async { Ok(None) })
    }

    fn log_now(&self) -> Option<TimeUs> {
        Some(LOG_START.after(self.started.elapsed()))
    }

    fn connected(&self) -> bool {
        self.connected
    }
}

fn worker() -> WorkerId {
    WorkerId(Uuid::from_u128(1))
}

fn order(body: CommandBody) -> Order {
    Order {
        id: "c-1".parse().unwrap(),
        worker: worker(),
        actor: Actor::Worker(worker()),
        reported_at: None,
        body,
        directory_seq: 3,
        traceparent: String::new(),
    }
}

fn complete() -> CommandBody {
    CommandBody::Complete { session_id: SessionId(Uuid::from_u128(9)) }
}

fn owned_by(node: &str) -> Arc<Claims> {
    let claims = Claims::default();
    claim(&claims, node, 1);
    Arc::new(claims)
}

fn claim(claims: &Claims, node: &str, seq: u64) {
    let claim = Claim {
        node_id: node.into(),
        at_us: LOG_START,
        released: false,
        taken: None,
        successor: None,
        extra: Extra::new(),
    };
    claims.fold(Partition::of(worker()), &claim, seq);
}

fn done(effect: Effect) -> Exchanged {
    Exchanged::Answered(Reply::Done(Box::new(Done {
        effect,
        session: None,
        interval: None,
        seq: 5,
        grace_expires_at_us: None,
    })))
}

fn refused(code: RefusalCode) -> Exchanged {
    Exchanged::Answered(Reply::Refused(Box::new(Refusal::new(code, "no"))))
}

fn soon(exchanged: Exchanged) -> Move {
    (exchanged, Duration::from_millis(2))
}

fn never() -> Move {
    (Exchanged::Nothing, Duration::from_secs(60))
}

#[tokio::test(start_paused = true)]
async fn the_owner_is_asked_with_an_expiry_and_its_ok_is_the_answer() {
    let wire = Script::new([soon(done(Effect::Stored))]);
    let commands = Commands::new(wire.clone(), owned_by("n-1"), Uuid::nil());
    commands.send(&order(complete())).await.unwrap();
    let sent = wire.sent.lock();
    assert_eq!((sent.len(), sent[0].0.as_str()), (1, "n-1"));
    assert_eq!(sent[0].1.expires_at_us, LOG_START.after(Duration::from_secs(1)));
    assert_eq!(sent[0].1.directory_seq, 3);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_asked_for_again_with_the_same_id() {
    let wire = Script::new([never(), soon(done(Effect::Stored))]);
    let commands = Commands::new(wire.clone(), owned_by("n-1"), Uuid::nil());
    commands.send(&order(complete())).await.unwrap();
    let sent = wire.sent.lock();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].1.id, sent[1].1.id);
    assert!(sent[1].1.expires_at_us > sent[0].1.expires_at_us);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_counts_only_after_the_lost_attempt_has_expired() {
    let unknown = soon(Exchanged::Answered(Reply::Unknown));
    let wire = Script::new([unknown, soon(refused(RefusalCode::UnknownStatus)), soon(done(Effect::Stored))]);
    let commands = Commands::new(wire.clone(), owned_by("n-1"), Uuid::nil());
    commands.send(&order(complete())).await.unwrap();
    let sent = wire.sent.lock();
    assert_eq!(sent.len(), 3);
    assert!(sent[2].2 >= Duration::from_millis(1_500), "{:?}", sent[2].2);
}

#[tokio::test(start_paused = true)]
async fn the_new_owner_is_asked_as_soon_as_its_claim_is_seen() {
    let wire = Script::new([soon(done(Effect::Stored))]);
    let claims = Arc::new(Claims::default());
    let commands = Commands::new(wire.clone(), Arc::clone(&claims), Uuid::nil());
    let sending = tokio::spawn(async move { commands.send(&order(complete())).await });
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert!(wire.sent.lock().is_empty());
    claim(&claims, "n-2", 8);
    sending.await.unwrap().unwrap();
    let sent = wire.sent.lock();
    assert_eq!(sent[0].0, "n-2");
    assert!(sent[0].2 < Duration::from_millis(4_100));
}

#[tokio::test(start_paused = true)]
async fn a_pause_ends_when_the_partition_is_another_nodes() {
    // given an owner that is gone: the pauses between attempts have become long
    let wire = Script::new((0..7).map(|_| soon(Exchanged::Nobody)));
    let claims = owned_by("n-1");
    let commands = Commands::new(wire.clone(), Arc::clone(&claims), Uuid::nil());
    let sending = tokio::spawn(async move { commands.send(&order(complete())).await });
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    assert_eq!(wire.sent.lock().len(), 7);

    // when another node takes the partition, which is busy with it at first
    let busy = || soon(Exchanged::Answered(Reply::Busy { why: "recovering".into() }));
    wire.moves.lock().extend([busy(), busy(), soon(done(Effect::Stored))]);
    claim(&claims, "n-2", 8);
    sending.await.unwrap().unwrap();

    // then that one is asked at once, and again after short pauses
    let sent = wire.sent.lock();
    assert!(sent[7..].iter().all(|(node, ..)| node == "n-2") && sent.len() == 10, "{sent:?}");
    assert!(sent[7].2 <= Duration::from_millis(1_001) && sent[9].2 < Duration::from_millis(1_100), "{sent:?}");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_was_taken_from_is_not_waited_for() {
    // given a frozen owner with an attempt
    let wire = Script::new([never(), soon(done(Effect::Stored))]);
    let claims = owned_by("n-1");
    let commands = Commands::new(wire.clone(), Arc::clone(&claims), Uuid::nil());
    let sending = tokio::spawn(async move { commands.send(&order(complete())).await });
    tokio::time::sleep(Duration::from_millis(300)).await;

    // when its partition is taken, then the new owner is asked soon, with the same id
    claim(&claims, "n-2", 8);
    sending.await.unwrap().unwrap();
    let sent = wire.sent.lock();
    assert_eq!((sent.len(), sent[1].0.as_str(), &sent[1].1.id), (2, "n-2", &sent[0].1.id));
    assert!(sent[1].2 < Duration::from_millis(400), "{:?}", sent[1].2);
}

#[tokio::test(start_paused = true)]
async fn the_last_word_of_a_node_that_has_handed_over_is_heard() {
    // given an owner whose answer is on its way
    let wire = Script::new([(refused(RefusalCode::UnknownStatus), Duration::from_millis(130))]);
    let claims = owned_by("n-1");
    let commands = Commands::new(wire.clone(), Arc::clone(&claims), Uuid::nil());
    let sending = tokio::spawn(async move { commands.send(&order(complete())).await });
    tokio::time::sleep(Duration::from_millis(100)).await;

    // when its partition is another's before the answer is here, then the answer is the answer
    claim(&claims, "n-2", 8);
    assert!(matches!(sending.await.unwrap(), Err(NotDone::Refused(_))));
    assert_eq!(wire.sent.lock().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_beside_an_attempt_that_was_not_waited_for_is_not_final() {
    // given an attempt at a frozen owner whose partition is taken
    let no = || soon(refused(RefusalCode::UnknownStatus));
    let wire = Script::new([never(), no(), no()]);
    let claims = owned_by("n-1");
    let commands = Commands::new(wire.clone(), Arc::clone(&claims), Uuid::nil());
    let sending = tokio::spawn(async move { commands.send(&order(complete())).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    claim(&claims, "n-2", 8);

    // then the new owner's refusal counts when it was asked after the first attempt had expired
    assert!(matches!(sending.await.unwrap(), Err(NotDone::Refused(_))));
    let sent = wire.sent.lock();
    assert_eq!(sent.len(), 3);
    assert!(sent[1].2 < Duration::from_millis(400) && sent[2].2 >= Duration::from_millis(1_500), "{sent:?}");
}

#[tokio::test(start_paused = true)]
async fn without_an_owner_the_answer_comes_at_the_deadline_and_is_no_owner() {
    let started = Instant::now();
    let commands = Commands::new(Script::new([]), Arc::new(Claims::default()), Uuid::nil());
    assert_eq!(commands.send(&order(complete())).await, Err(NotDone::NoOwner));
    assert_eq!(started.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn silent_owners_end_in_outcome_unknown_after_the_last_attempt_has_expired() {
    let started = Instant::now();
    let wire = Script::new((0..20).map(|_| never()));
    let commands = Commands::new(wire.clone(), owned_by("n-1"), Uuid::nil());
    assert_eq!(commands.send(&order(complete())).await, Err(NotDone::OutcomeUnknown));
    let last = wire.sent.lock().last().map(|(_, _, at)| *at).unwrap();
    assert!(started.elapsed() >= last + Duration::from_millis(1_500));
    assert!(started.elapsed() < Duration::from_secs(12));
}

#[tokio::test(start_paused = true)]
async fn a_full_log_is_said_by_its_name() {
    let wire = Script::new([soon(Exchanged::Answered(Reply::LogFull))]);
    let commands = Commands::new(wire, owned_by("n-1"), Uuid::nil());
    assert_eq!(commands.send(&order(complete())).await, Err(NotDone::LogFull));
}

#[tokio::test(start_paused = true)]
async fn a_named_deadline_is_waited_for_and_asked_again() {
    let until = LOG_START.after(Duration::from_secs(4));
    let wire = Script::new([soon(Exchanged::Answered(Reply::Wait { until_us: until })), soon(done(Effect::Stored))]);
    let commands = Commands::new(wire.clone(), owned_by("n-1"), Uuid::nil());
    commands.send(&order(complete())).await.unwrap();
    assert!(wire.sent.lock()[1].2 >= Duration::from_secs(4));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_hangs_up_sends_no_more_and_its_turn_ends_with_its_attempt() {
    let wire = Script::new([never(), soon(done(Effect::Stored))]);
    let commands = Commands::new(wire.clone(), owned_by("n-1"), Uuid::nil());
    let sending = {
        let commands = commands.clone();
        tokio::spawn(async move { commands.send(&order(complete())).await })
    };
    tokio::time::sleep(Duration::from_millis(100)).await;
    sending.abort();
    let _ = sending.await;
    assert_eq!(wire.sent.lock().len(), 1);
    commands.send(&order(complete())).await.unwrap();
    let sent = wire.sent.lock();
    assert_eq!(sent.len(), 2);
    assert!(sent[1].2 >= Duration::from_millis(1_500), "{:?}", sent[1].2);
}

#[tokio::test(start_paused = true)]
async fn commands_of_a_worker_go_one_after_another_and_of_others_beside_them() {
    let slow = (done(Effect::Stored), Duration::from_millis(900));
    let wire = Script::new([slow.clone(), slow]);
    let commands = Commands::new(wire.clone(), owned_by("n-1"), Uuid::nil());
    let (first, second) = (order(complete()), order(CommandBody::Look));
    let (first, second) = tokio::join!(commands.send(&first), commands.send(&second));
    first.unwrap();
    second.unwrap();
    let sent = wire.sent.lock();
    assert!(sent[1].2 >= Duration::from_millis(900));
    assert_eq!(commands.queue.workers(), 0);
}
