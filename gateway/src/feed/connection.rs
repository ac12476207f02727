//! A viewer with its surroundings: what every transport drives in the same way.

use std::{sync::Arc, time::Duration};

use bus_schemas::{StationId, WorkerId};
use persistence::Role;
use tokio::{
    sync::{OwnedSemaphorePermit, watch},
    time::{sleep_until, timeout},
};
use tokio_util::task::TaskTracker;

use super::{
    ask::{Said, Wanted},
    cursor::{Cursor, NotACursor},
    filter::Filter,
    frame::{Bye, Frame},
    hub::Hub,
    limits::{CLIENT_MESSAGES_MAX, CLIENT_PACE, FLUSH_EVERY, WORKER_FLUSH_EVERY, WORKER_MESSAGES_MAX},
    step::{Mode, Now, Opening, Step, Transport},
    viewer::Viewer,
};
use crate::{
    app::App,
    auth::token::{Login, Who},
    clock::Moment,
    telemetry,
};

/// A temporary refusal is dealt a return within this time.
const RETURN_WINDOW: Duration = Duration::from_secs(5);

/// One connection to the feed.
pub struct Connection {
    viewer: Viewer,
    app: App,
    login: Arc<Login>,
    looks: Looks,
    bell: watch::Receiver<()>,
    notices: u64,
    pace: Pace,
    _place: OwnedSemaphorePermit,
}

/// What a connection looks at.
#[derive(Clone, Debug)]
pub enum Looks {
    /// At what an account has asked for, within its stations.
    Asked(Wanted),
    /// At one worker's own session.
    Worker(WorkerId),
}

impl Looks {
    fn filter(&self, login: &Login) -> Filter {
        match self {
            Self::Asked(wanted) => wanted.within(scope(login)),
            Self::Worker(worker) => Filter::of_worker(*worker),
        }
    }

    const fn pause(&self) -> Duration {
        match self {
            Self::Asked(_) => FLUSH_EVERY,
            Self::Worker(_) => WORKER_FLUSH_EVERY,
        }
    }

    const fn messages_max(&self) -> u32 {
        match self {
            Self::Asked(_) => CLIENT_MESSAGES_MAX,
            Self::Worker(_) => WORKER_MESSAGES_MAX,
        }
    }
}

/// How a connection begins.
#[derive(Debug)]
pub struct Begin {
    /// Single changes or newest states.
    pub mode: Mode,
    /// At what it looks.
    pub looks: Looks,
    /// From where it goes on.
    pub after: Option<Result<Cursor, NotACursor>>,
    /// What carries it.
    pub transport: Transport,
}

/// How many messages of the client count just now.
struct Pace {
    since: Moment,
    messages: u32,
}

/// Why somebody is not connected, for now.
#[derive(Clone, Copy, Debug)]
pub struct NotNow(pub Bye);

impl Connection {
    /// Connects, when there is a place and the view is at the head of the log.
    ///
    /// # Errors
    /// There is none, or it is not.
    pub async fn open(app: &App, login: &Arc<Login>, begin: Begin) -> Result<Self, NotNow> {
        let hub = &app.view.feed;
        let lot: f32 = rand::random();
        let dealt = RETURN_WINDOW.mul_f32(lot);
        if hub.is_draining() {
            return Err(NotNow(Bye::Draining(dealt)));
        }
        let Some(place) = hub.enter() else { return Err(NotNow(Bye::TooMany(dealt))) };
        let bell = hub.listen();
        if !hub.at_head(app.edits.as_ref().map(|(bus, _)| bus), &app.view.head).await {
            return Err(NotNow(Bye::LogUnreachable(dealt)));
        }
        telemetry::feed_opened(begin.transport.name());
        let opening = Opening {
            mode: begin.mode,
            filter: begin.looks.filter(login),
            after: begin.after,
            pause: begin.looks.pause(),
            auth_expires_at: hub.renewal(login).unwrap_or(login.expires_at),
            transport: begin.transport,
            lot,
        };
        let now = Now::read();
        Ok(Self {
            viewer: Viewer::new(opening, now),
            app: app.clone(),
            login: Arc::clone(login),
            looks: begin.looks,
            bell,
            // Anything since the login was checked is looked at.
            notices: hub.notices().wrapping_sub(1),
            pace: Pace { since: now.at, messages: 0 },
            _place: place,
        })
    }

    fn hub(&self) -> &Hub {
        &self.app.view.feed
    }

    /// Where its task is counted, when it is one of its own.
    #[must_use]
    pub fn sockets(&self) -> TaskTracker {
        self.hub().sockets().clone()
    }

    /// What is to be done now.
    pub fn step(&mut self) -> Step {
        // Before looking: what happens from here on rings again.
        self.bell.mark_unchanged();
        if self.hub().is_draining() {
            self.viewer.drain();
        }
        let notices = self.hub().notices();
        if notices != self.notices {
            self.notices = notices;
            self.check_login();
        }
        let board = self.app.view.feed.board();
        let step = self.viewer.step(&board, Now::read());
        if let Step::End(Frame { code: Some(code), .. }) = &step {
            telemetry::feed_ended(*code);
        }
        step
    }

    fn check_login(&mut self) {
        if !self.app.auth.holds(&self.login) {
            self.viewer.end(Bye::Revoked);
        }
        if let Some(until) = self.hub().renewal(&self.login)
            && until > self.viewer.auth_expires_at()
        {
            self.viewer.renewed(until);
        }
    }

    /// Waits as the step says.
    pub async fn wait(&mut self, until: Moment, or_change: bool) {
        let until = until.instant();
        if or_change {
            let _ = timeout(until.saturating_duration_since(tokio::time::Instant::now()), self.bell.changed()).await;
        } else {
            sleep_until(until).await;
        }
    }

    /// The client is there.
    pub fn heard(&mut self) {
        self.viewer.heard(Now::read());
    }

    /// A ping or a pong of the protocol: it counts like a message, so that a flood of them ends.
    pub fn sign(&mut self) {
        self.heard();
        if !self.pace.allows(Moment::now(), self.looks.messages_max()) {
            self.end(Bye::TooMany(RETURN_WINDOW));
        }
    }

    /// The client cannot be served any more.
    pub fn end(&mut self, bye: Bye) {
        self.viewer.end(bye);
    }

    /// The client said something; what is not about looking is given back.
    pub fn hear(&mut self, text: &str) -> Option<Said> {
        self.heard();
        if !self.pace.allows(Moment::now(), self.looks.messages_max()) {
            self.end(Bye::TooMany(RETURN_WINDOW));
            return None;
        }
        match serde_json::from_str(text) {
            Ok(Said::Pong {}) => {}
            Ok(Said::Auth { token }) => self.take_token(&token),
            Ok(Said::Filter { station, status }) => self.take_filter(&station, &status),
            Ok(said) => return Some(said),
            Err(_) => self.end(Bye::BadRequest),
        }
        None
    }

    /// What the client said means nothing here.
    pub fn refuse_unknown(&mut self) {
        self.viewer.refuse("UNKNOWN_TYPE", "that message is not known here");
    }

    fn take_filter(&mut self, station: &[String], status: &[String]) {
        if matches!(self.looks, Looks::Worker(_)) {
            return self.viewer.refuse("INVALID_FILTER", "a worker sees the own session, always");
        }
        match Wanted::read(station, status, &self.app.directory()) {
            Ok(wanted) => {
                self.looks = Looks::Asked(wanted);
                self.see();
            }
            Err(why) => self.viewer.refuse("INVALID_FILTER", &why),
        }
    }

    fn see(&mut self) {
        let filter = self.looks.filter(&self.login);
        self.viewer.see(filter, &self.app.view.feed.board(), Now::read());
    }

    fn take_token(&mut self, token: &str) {
        let login = self.app.auth.check(token).filter(|login| same_person(&self.login, login));
        let Some(login) = login else {
            return self.viewer.refuse("INVALID_TOKEN", "the token must be a good one of the same person");
        };
        self.viewer.renewed(login.expires_at);
        let other_scope = scope(&login) != scope(&self.login);
        self.login = login;
        if other_scope {
            self.see();
        }
    }
}

fn scope(login: &Login) -> Option<&[StationId]> {
    match &login.who {
        Who::Account { stations, .. } => stations.as_deref(),
        Who::Worker(_) => Some(&[]),
    }
}

fn same_person(one: &Login, other: &Login) -> bool {
    match (&one.who, &other.who) {
        (Who::Account { name: one, .. }, Who::Account { name: other, role, .. }) => {
            one == other && *role >= Role::Viewer
        }
        (Who::Worker(one), Who::Worker(other)) => one == other,
        _ => false,
    }
}

impl Pace {
    fn allows(&mut self, now: Moment, max: u32) -> bool {
        if now.since(self.since) >= CLIENT_PACE {
            *self = Self { since: now, messages: 0 };
        }
        self.messages += 1;
        self.messages <= max
    }
}
