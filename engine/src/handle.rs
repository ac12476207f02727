//! Starting and ending an engine.

use std::{sync::Arc, time::Duration};

use andon_nats::{Bus, DirectoryView, Followed, Follower, LogClock, NatsConfig, NatsError, Start};
use bus_schemas::{
    NodeStatus, Partition,
    subject::{self, LogSubject},
};
use ractor::{Actor, ActorRef};
use rand::Rng;
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    alive,
    claim::SeenClaim,
    closer::{self, Closer, CloserMsg},
    echo::{self, Echoes},
    follow, log_health,
    node::{Node, NodeMsg},
    receive, recheck, seen,
    shard::ShardMsg,
    shared::{BeforeDecide, Parts, Shared},
    watch,
};

/// How often states and claims that are a day old are moved forward in the log.
const UPKEEP_EVERY: Duration = Duration::from_secs(3_600);
/// Claims are renewed this often, so that they do not hold back the retention. Renewed with a margin: daily.
const RENEW_EVERY_ROUNDS: u32 = 20;
/// How often the gauges are set.
const GAUGES_EVERY: Duration = Duration::from_secs(5);

/// What an engine is made with.
#[derive(Clone)]
pub struct EngineConfig {
    /// NATS.
    pub nats: NatsConfig,
    /// The configured name of the node; a random part is added at every start (rule 8).
    pub node_name: String,
    /// Silence that closes a session, and the grace after a gap.
    pub idle_timeout: Duration,
    /// For fault tests: called before every decision, may panic.
    pub before_decide: Option<BeforeDecide>,
}

/// An engine does not start, or has stopped itself.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// NATS is not reached, or is not what Andon needs.
    #[error(transparent)]
    Nats(#[from] NatsError),
    /// A subscription failed.
    #[error("cannot subscribe on NATS: {0}")]
    Subscribe(#[from] async_nats::SubscribeError),
    /// The node's actor did not start.
    #[error("the node did not start: {0}")]
    Spawn(#[from] ractor::SpawnErr),
    /// The configured name cannot be part of a subject.
    #[error("the node name {0:?} is not 1 to 55 of A-Z, a-z, 0-9, - and _: set ANDON_NODE_ID")]
    NodeName(String),
}

/// A running engine.
pub struct EngineHandle {
    shared: Arc<Shared>,
    node: ActorRef<NodeMsg>,
    stop: CancellationToken,
    failed: tokio::sync::watch::Receiver<Option<String>>,
}

/// Starts an engine: checks the server and the log, then claims what is free.
///
/// # Errors
/// See [`EngineError`]; nothing has been claimed then.
pub async fn start(config: EngineConfig) -> Result<EngineHandle, EngineError> {
    let node_id = format!("{}-{:08x}", config.node_name, rand::rng().random::<u32>());
    if !subject::is_node_id(&node_id) {
        return Err(EngineError::NodeName(config.node_name));
    }
    let bus = Bus::connect(&config.nats, "engine").await?;
    andon_nats::server::check(&bus, &config.nats).await.map_err(NatsError::from)?;
    andon_nats::streams::ensure(&bus, &config.nats).await?;
    let log = andon_nats::streams::check(&bus, &config.nats).await?;
    show_counters();
    let stop = CancellationToken::new();
    let (closer_sender, closer_inbox) = mpsc::channel(closer::QUEUE);
    let shared = Shared::new(Parts {
        node_id: node_id.into(),
        bus: bus.clone(),
        log_clock: LogClock::start(bus.clone(), stop.clone()),
        directory: DirectoryView::start(bus.clone(), stop.clone()),
        idle: config.idle_timeout,
        closer: closer_sender,
        before_decide: config.before_decide,
    });
    let client = bus.client();
    let commands = client.subscribe(subject::command(&shared.node_id)).await?;
    let heartbeats = client.subscribe(subject::heartbeat(&shared.node_id)).await?;
    let liveness = client.subscribe(subject::node(&shared.node_id)).await?;
    let told = client.subscribe(subject::NODES).await?;
    let (node, _) = Actor::spawn(None, Node, Arc::clone(&shared)).await?;
    let echoes = Arc::new(Echoes::default());
    let (fail, failed) = tokio::sync::watch::channel(None);
    tokio::spawn(stop.clone().run_until_cancelled_owned(receive::commands(Arc::clone(&shared), commands)));
    tokio::spawn(stop.clone().run_until_cancelled_owned(receive::heartbeats(
        Arc::clone(&shared),
        Arc::clone(&echoes),
        heartbeats,
    )));
    tokio::spawn(stop.clone().run_until_cancelled_owned(receive::liveness(
        Arc::clone(&shared),
        node.clone(),
        liveness,
    )));
    tokio::spawn(watch::run(Arc::clone(&shared), node.clone(), told, stop.clone()));
    tokio::spawn(alive::prove(Arc::clone(&shared), stop.clone()));
    tokio::spawn(follow::run(Arc::clone(&shared), node.clone(), log.last_seq + 1, stop.clone()));
    tokio::spawn(echo::run(Arc::clone(&shared), stop.clone()));
    let closer = Closer { shared: Arc::clone(&shared), echoes, node: node.clone() };
    tokio::spawn(closer.run(closer_inbox, stop.clone()));
    tokio::spawn(log_health::watch(Arc::clone(&shared), log_health::monitor(&config.nats), stop.clone()));
    tokio::spawn(read_claims(bus.clone(), node.clone(), stop.clone()));
    tokio::spawn(periodic(Arc::clone(&shared), stop.clone()));
    tokio::spawn(recheck::run(Arc::clone(&shared), config.nats, log.created_us, fail, stop.clone()));
    tracing::info!(node_id = %shared.node_id, "engine started");
    Ok(EngineHandle { shared, node, stop, failed })
}

impl EngineHandle {
    /// This node's address on the bus.
    #[must_use]
    pub fn node_id(&self) -> &str {
        &self.shared.node_id
    }

    /// What keeps it from serving, in words; empty when it serves all it owns.
    #[must_use]
    pub fn unready(&self) -> Vec<&'static str> {
        self.shared.unready()
    }

    /// What it says of itself.
    #[must_use]
    pub fn status(&self) -> NodeStatus {
        receive::status(&self.shared)
    }

    /// Whether the log does not acknowledge: nats-server reports a write error, or has not answered for 5 s. It stays
    /// mute until it is restarted.
    #[must_use]
    pub fn log_is_mute(&self) -> bool {
        self.shared.health.is_mute()
    }

    /// Takes these partitions, whoever owns them; returns how many it got. It costs a hand-over, not correctness.
    pub async fn take_over(&self, partitions: Vec<Partition>) -> usize {
        ractor::call!(self.node, |reply| NodeMsg::TakeOver(partitions, reply)).unwrap_or(0)
    }

    /// Resolves with the reason when the engine must not go on: the log is another one, or has become unsafe.
    pub async fn failed(&self) -> String {
        let mut failed = self.failed.clone();
        // Taken out of the guard before the next await, so that whoever waits can be spawned.
        let reason = failed.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
        match reason {
            Some(reason) => reason,
            None => std::future::pending().await,
        }
    }

    /// Hands everything over: takes no new commands, finishes what is at work, releases the claims; at most `within`.
    pub async fn drain(self, within: Duration) {
        let leave = async { ractor::call!(self.node, NodeMsg::Leave) };
        match timeout(within, leave).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the hand-over failed"),
            Err(_) => tracing::warn!("the hand-over took too long; another node finds no responder"),
        }
        self.stop.cancel();
        self.node.stop(None);
        let _ = timeout(Duration::from_secs(1), self.shared.bus().client().flush()).await;
        let _ = timeout(Duration::from_secs(1), self.shared.bus().client().drain()).await;
    }
}

impl Drop for EngineHandle {
    fn drop(&mut self) {
        self.stop.cancel();
        self.node.stop(None);
    }
}

/// Counters that are there from the start: an alarm on one that appears with its first increment misses that one.
fn show_counters() {
    for name in [
        "andon_unknown_acks_total",
        "andon_refused_compare_and_set_total",
        crate::claim::REFUSED,
        "andon_idle_closes_total",
        "andon_idle_batches_aborted_total",
        "andon_idle_batches_refused_total",
        "andon_claims_lost_total",
        "andon_actor_panics_total",
        "andon_poison_commands_total",
    ] {
        metrics::counter!(name).increment(0);
    }
}

/// Reads all claims once; afterwards the follower delivers them.
async fn read_claims(bus: Bus, node: ActorRef<NodeMsg>, stop: CancellationToken) {
    let mut follower = Follower::new(bus, subject::STREAM_LOG, vec![subject::CLAIMS.to_owned()], Start::LastPerSubject);
    loop {
        let followed = tokio::select! {
            () = stop.cancelled() => return,
            followed = follower.next() => followed,
        };
        match followed {
            Followed::Message(message) => {
                if let (Some(LogSubject::Claim(partition)), Some(seen)) =
                    (LogSubject::parse(&message.subject), SeenClaim::read(&message))
                {
                    let _ = node.cast(NodeMsg::ClaimSeen(partition, seen));
                }
            }
            Followed::CaughtUp => {
                let _ = node.cast(NodeMsg::ClaimsKnown);
                return follower.end().await;
            }
            Followed::Interrupted(why) => tracing::warn!(%why, "reading the claims was interrupted and goes on"),
        }
    }
}

/// Last-seen tables, daily renewals, gauges.
async fn periodic(shared: Arc<Shared>, stop: CancellationToken) {
    let mut tables = interval(seen::PUBLISH_EVERY);
    let mut upkeep = interval(UPKEEP_EVERY);
    let mut gauges = interval(GAUGES_EVERY);
    for ticks in [&mut tables, &mut upkeep, &mut gauges] {
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    let (mut round, mut unready) = (0_u32, Unready::default());
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tables.tick() => tell_shards(&shared, || ShardMsg::PublishSeen),
            _ = gauges.tick() => {
                tell_unready(&shared, &mut unready);
                set_gauges(&shared).await;
            }
            _ = upkeep.tick() => {
                tell_shards(&shared, || ShardMsg::Upkeep);
                round += 1;
                if round.is_multiple_of(RENEW_EVERY_ROUNDS) {
                    let owned = shared.slots().filter(|(_, slot)| slot.claim_seq() > 0).map(|(p, _)| p).collect();
                    let _ = shared.closer.send(CloserMsg::Renew(owned)).await;
                }
            }
        }
    }
}

/// What a node lacks, as it was found in the last round.
#[derive(Default)]
struct Unready {
    last: Vec<&'static str>,
    told: bool,
}

/// What keeps the node from serving for two rounds stands in its log, once.
fn tell_unready(shared: &Shared, before: &mut Unready) {
    let now = shared.unready();
    if now.is_empty() && before.told {
        tracing::info!("ready again");
    }
    let lasts = !now.is_empty() && now == before.last;
    if lasts && !before.told {
        tracing::warn!(missing = now.join("; "), "not ready");
    }
    *before = Unready { last: now, told: lasts };
}

fn tell_shards(shared: &Shared, message: impl Fn() -> ShardMsg) {
    for (_, slot) in shared.slots() {
        if let Some(shard) = slot.shard().filter(|_| slot.claim_seq() > 0) {
            let _ = shard.cast(message());
        }
    }
}

async fn set_gauges(shared: &Shared) {
    let status = receive::status(shared);
    metrics::gauge!("andon_active_sessions").set(status.sessions as f64);
    metrics::gauge!("andon_owned_partitions").set(f64::from(status.owned));
    metrics::gauge!("andon_engine_ready").set(if status.ready { 1.0 } else { 0.0 });
    metrics::gauge!("andon_log_time_error_seconds")
        .set(shared.log_clock.error().map_or(f64::INFINITY, |error| error.as_secs_f64()));
    if let Ok(log) = shared.bus().stream_info(subject::STREAM_LOG, GAUGES_EVERY).await
        && let Some(max_bytes) = log.max_bytes
    {
        metrics::gauge!("andon_log_bytes_free", "stream" => subject::STREAM_LOG)
            .set(max_bytes.saturating_sub(log.bytes) as f64);
        if log.bytes > max_bytes / 10 * 7 {
            tracing::error!(bytes = log.bytes, max_bytes, "the log is more than 70 % full");
        }
    }
}
