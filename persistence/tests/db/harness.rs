//! Real servers for a test, ended with it; and what a test asks of them.

mod guarded;
mod nats;
mod postgres;
mod tables;

use std::time::Duration;

use persistence::{PersistenceConfig, PersistenceHandle, State};
use tokio::time::{Instant, sleep};

pub use nats::{Nats, store, store_event};
pub use postgres::{Database, Postgres};
pub use tables::{dump, sql};

/// How long a test waits for something that should happen at once: slow machines get it done in less.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// What a machine busy with other tests may add to a span of seconds that is a test's subject.
pub const BUSY: Duration = Duration::from_secs(6);
/// How often it looks.
const POLL: Duration = Duration::from_millis(20);

/// Waits until `holds`, and says what for when it does not happen.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < deadline, "in {PATIENCE:?} it did not happen that {what}");
        sleep(POLL).await;
    }
}

/// Starts the persistence role on these servers.
pub async fn start(nats: &Nats, database: &Database) -> PersistenceHandle {
    let config = PersistenceConfig {
        nats: nats.config(),
        database_url: database.url.clone(),
        retention: Duration::from_secs(7 * 24 * 3_600),
    };
    persistence::start(config).await.expect("the address is good")
}

/// Waits until the role's state is one that `fits`.
pub async fn state(handle: &PersistenceHandle, what: &str, fits: impl Fn(&State) -> bool) -> State {
    let mut state = handle.state();
    let reached = tokio::time::timeout(PATIENCE, state.wait_for(fits)).await;
    let reached = reached.unwrap_or_else(|_| panic!("it never was {what}: {:?}", handle.state().borrow().clone()));
    reached.expect("it runs").clone()
}
