//! Starts a gateway, and what the rest of the process holds of it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use andon_nats::{Bus, LogClock, NatsError, directory::DirectoryView};
use persistence::{Store, StoreError};
use tokio::{net::TcpListener, sync::watch, task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    app::{App, Parts, Settings},
    auth::{Auth, origin::Origins},
    commands::Commands,
    config::GatewayConfig,
    directory::Source,
    feed,
    heartbeats::{Heartbeats, Postman, roll_call_every},
    live_view::{LiveView, follow_log, follow_seen, watch_head},
    router::router,
    server::{self, Server, tls},
    wire::{NatsWire, Wire},
};

/// Shortest key that signs tokens: what HS256 asks for.
const SECRET_MIN_BYTES: usize = 32;
/// Time for the last beats to leave when everything else has ended.
const LAST_BEATS_WITHIN: Duration = Duration::from_secs(1);

/// A gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// NATS cannot be reached.
    #[error(transparent)]
    Nats(#[from] NatsError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The certificate or its key cannot be used.
    #[error(transparent)]
    Tls(#[from] tls::TlsError),
    /// The database's address is none.
    #[error(transparent)]
    Database(#[from] StoreError),
    /// The key that signs tokens is too short.
    #[error("the key that signs tokens has {0} bytes; at least {SECRET_MIN_BYTES} are needed: see ANDON_SECRET_FILE")]
    Secret(usize),
}

/// A gateway will not go on by itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a part of the gateway ended unexpectedly: {0}")]
pub struct GatewayFailure(String);

/// A running gateway.
pub struct GatewayHandle {
    local_addr: SocketAddr,
    lan_addr: Option<SocketAddr>,
    app: App,
    bus: Bus,
    /// Ends the accepting of connections, and those that are idle.
    stop_serving: CancellationToken,
    served: watch::Receiver<bool>,
    /// Ends everything else.
    stop: CancellationToken,
    failed: watch::Receiver<Option<GatewayFailure>>,
}

/// Starts a gateway. It is ready when `GET /readyz` says so; until then it answers what it can.
///
/// # Errors
/// See [`GatewayError`]; nothing listens then.
pub async fn start(config: GatewayConfig) -> Result<GatewayHandle, GatewayError> {
    if config.secret.len() < SECRET_MIN_BYTES {
        return Err(GatewayError::Secret(config.secret.len()));
    }
    let tls = config.tls.as_ref().map(tls::acceptor).transpose()?;
    let store = config.database_url.as_deref().map(Store::connect_lazy).transpose()?;
    let (listener, local_addr) = listen(config.http_addr)?;
    let lan = match &config.lan {
        Some(lan) => Some((listen(lan.addr)?, tls::live_acceptor(&lan.certificate)?)),
        None => None,
    };
    let bus = Bus::connect(&config.nats, "gateway").await?;

    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    let app = App::new(parts(&config, &bus, store, &mut tasks, &stop));
    let stop_serving = CancellationToken::new();
    let (done, served) = watch::channel(false);
    let router = router(app.clone());
    let lan_addr = lan.as_ref().map(|((_, address), _)| *address);
    let lan = lan.map(|((listener, _), tls)| Server::new(listener, Some(tls), router.clone(), stop_serving.clone()));
    let server = Server::new(listener, tls, router, stop_serving.clone());
    tasks.spawn(async move {
        let lan = async {
            if let Some(lan) = lan {
                lan.run().await;
            }
        };
        tokio::join!(server.run(), lan);
        let _ = done.send(true);
        // The rest goes on until it is told to end.
        std::future::pending::<()>().await;
    });
    let (fail, failed) = watch::channel(None);
    tokio::spawn(supervise(tasks, fail, stop.clone()));
    tracing::info!(%local_addr, "the gateway listens");
    Ok(GatewayHandle { local_addr, lan_addr, app, bus, stop_serving, served, stop, failed })
}

fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), GatewayError> {
    let failed = |source| GatewayError::Listen { address, source };
    let listener = server::listen(address).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// Makes the parts, and starts the tasks that feed them.
fn parts(
    config: &GatewayConfig,
    bus: &Bus,
    store: Option<Store>,
    tasks: &mut JoinSet<()>,
    stop: &CancellationToken,
) -> Parts {
    let gateway_id = Uuid::new_v4();
    let view = LiveView { feed: Arc::new(feed::Hub::new(config.max_session)), ..LiveView::default() };
    let directory_view = DirectoryView::start(bus.clone(), stop.clone());
    let directory = Source::Live(directory_view.clone());
    let clock = LogClock::start(bus.clone(), stop.clone());
    let wire: Arc<dyn Wire> = Arc::new(NatsWire { bus: bus.clone(), clock });
    let heartbeats = Heartbeats::new(view.clone(), gateway_id, config.idle_timeout);
    let every = roll_call_every(config.idle_timeout);
    tasks.spawn(follow_log(view.clone(), bus.clone(), stop.clone()));
    tasks.spawn(follow_seen(view.clone(), bus.clone(), stop.clone()));
    tasks.spawn(feed::keep(Arc::clone(&view.feed), Arc::clone(&view.head), directory.clone(), stop.clone()));
    tasks.spawn(feed::read_past(Arc::clone(&view.feed), bus.clone(), stop.clone()));
    tasks.spawn(watch_head(Arc::clone(&view.head), bus.clone(), every, stop.clone()));
    tasks.spawn(Postman::new(heartbeats.clone(), bus.clone(), every).run(stop.clone()));
    Parts {
        settings: Settings {
            idle_timeout: config.idle_timeout,
            max_session: config.max_session,
            trusted_proxies: config.trusted_proxies.clone(),
            require_enrolled_device: config.require_enrolled_device,
            authority: config.lan.as_ref().map(|lan| lan.authority.clone()),
            origins: Origins::new(config.public_url.as_ref(), &config.allowed_origins),
        },
        auth: Auth::new(&config.secret, directory.clone(), Arc::clone(&view.sessions)),
        directory,
        commands: Commands::new(Arc::clone(&wire), Arc::clone(&view.claims), gateway_id),
        view,
        heartbeats,
        wire,
        store,
        edits: Some((bus.clone(), directory_view)),
        lookups: Parts::lookups(),
    }
}

/// Says so when a task ends that nobody has told to.
async fn supervise(mut tasks: JoinSet<()>, fail: watch::Sender<Option<GatewayFailure>>, stop: CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        ended = tasks.join_next() => {
            if !stop.is_cancelled() {
                let why = match ended {
                    Some(Err(error)) => error.to_string(),
                    Some(Ok(())) | None => "it returned".to_owned(),
                };
                let _ = fail.send(Some(GatewayFailure(why)));
            }
        }
    }
    // The postman still carries the last beats away.
    let _ = timeout(LAST_BEATS_WITHIN, async { while tasks.join_next().await.is_some() {} }).await;
}

impl GatewayHandle {
    /// Where it listens.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Where it listens for the network, when it does.
    #[must_use]
    pub const fn lan_addr(&self) -> Option<SocketAddr> {
        self.lan_addr
    }

    /// What keeps it from serving, in words; empty when it is ready.
    #[must_use]
    pub fn unready(&self) -> Vec<&'static str> {
        crate::routes::ready::missing(&self.app)
    }

    /// Resolves when a part of it ended that should not have.
    pub async fn failed(&self) -> GatewayFailure {
        let mut failed = self.failed.clone();
        let failure = failed.wait_for(Option::is_some).await.ok().and_then(|failure| failure.clone());
        match failure {
            Some(failure) => failure,
            None => std::future::pending().await,
        }
    }

    /// Stops accepting, answers what is in flight (no longer than `within`), sends the last beats, and ends.
    pub async fn drain(self, within: Duration) {
        self.stop_serving.cancel();
        self.app.view.feed.drain();
        let mut served = self.served.clone();
        if timeout(within, served.wait_for(|served| *served)).await.is_err() {
            tracing::warn!("some requests did not end in time");
        }
        let _ = timeout(LAST_BEATS_WITHIN, self.app.view.feed.drained()).await;
        self.stop.cancel();
        let _ = timeout(LAST_BEATS_WITHIN, self.bus.client().flush()).await;
        if let Some(store) = &self.app.store {
            let _ = timeout(LAST_BEATS_WITHIN, store.close()).await;
        }
    }
}

/// Dropped without being drained, it stops at once.
impl Drop for GatewayHandle {
    fn drop(&mut self) {
        self.stop_serving.cancel();
        self.stop.cancel();
    }
}
