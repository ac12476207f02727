//! Boots the real thing for a test and takes it down again, exactly what it started, whatever the test does.
//!
//! ```ignore
//! let andon = Andon::up().await;                    // ready: commands are served
//! let mut worker = andon.worker("1001").await;      // signed in
//! worker.open(&station, "J-1").await.ok();
//! ```

mod client;
mod place;
mod process;
mod wait;

pub use client::{Answer, Client, Worker};
pub use place::{ADMIN_PASSWORD, Place};
pub use process::{Process, Signal, send};
pub use wait::{PATIENCE, until, until_some};

/// A running `andon up` in a place of its own.
pub struct Andon {
    /// Declared first, so that it ends before its files go.
    pub process: Process,
    /// Its files, ports and settings.
    pub place: Place,
}

impl Andon {
    /// Starts `andon up` with the harness' defaults and waits until it is ready.
    pub async fn up() -> Self {
        Self::up_in(Place::new()).await
    }

    /// Starts `andon up` in `place` and waits until it is ready.
    pub async fn up_in(place: Place) -> Self {
        let mut process = place.spawn(&["up"]);
        process.ready().await;
        Self { process, place }
    }

    /// Starts it again in the same place, after it has ended, and waits until it is ready.
    pub async fn up_again(&mut self) {
        self.process = self.place.spawn(&["up"]);
        self.process.ready().await;
    }

    /// A client without a login.
    pub fn client(&self) -> Client {
        Client::new(self.place.http_url())
    }

    /// A worker who has signed in.
    pub async fn worker(&self, code: &str) -> Worker {
        Worker::login(self.client(), code).await
    }
}
