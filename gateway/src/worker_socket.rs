//! A worker's socket: the worker's own session as a feed of one, and the worker's commands and signs of life.
//!
//! A socket that ends is no sign of death, and one that is open no sign of life: only beats and commands are.

mod commands;
mod grace;

use std::{collections::VecDeque, time::Duration};

use axum::response::Response;
use bus_schemas::WorkerId;
use futures::{FutureExt, future::BoxFuture};

use crate::{
    app::App,
    clock::{Moment, wall_now},
    extract::Caller,
    feed::{
        ask::Said,
        connection::Connection,
        frame::{Bye, Frame},
        limits::{CLIENT_MESSAGE_MAX_BYTES, COMMANDS_MAX, RETRY},
        socket::{Over, Tongue, end, farewell, unsent},
        step::Step,
    },
    websocket::{Ended, Said as Spoken, Upgrade, WebSocket},
};
use commands::Asked;
use grace::Grace;

/// How often it is looked whether beats would be heard, and whether the worker has fallen silent.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Who has opened a socket, for whom.
pub struct Opened {
    /// The gateway.
    pub app: App,
    /// Who asks, with the one login that counts here.
    pub caller: Caller,
    /// Whose session it is about.
    pub worker: WorkerId,
    /// Whether the worker is who asks: an account that looks after somebody is no sign of life.
    pub lives: bool,
}

/// One socket.
struct WorkerSocket {
    opened: Opened,
    connection: Connection,
    /// Commands that wait for the one before.
    waiting: VecDeque<Asked>,
    running: Option<BoxFuture<'static, Frame>>,
    grace: Grace,
    look_at: Moment,
}

/// Upgrades the connection and serves it.
pub fn upgrade(upgrade: Upgrade, opened: Opened, mut connection: Connection, tongue: Tongue) -> Response {
    if !tongue.ours {
        connection.end(Bye::Version);
    }
    let sockets = connection.sockets();
    let socket = WorkerSocket {
        opened,
        connection,
        waiting: VecDeque::new(),
        running: None,
        grace: Grace::default(),
        look_at: Moment::now(),
    };
    upgrade.serve(tongue.named, CLIENT_MESSAGE_MAX_BYTES, move |stream| sockets.track_future(socket.serve(stream)))
}

/// What a socket waits for.
enum Event {
    Said(Result<Spoken, Ended>),
    Say(Frame),
    Look,
}

impl WorkerSocket {
    async fn serve(mut self, mut stream: WebSocket) {
        loop {
            if let Some(said) = stream.recv().now_or_never()
                && let Err(over) = self.hear(said)
            {
                return Box::pin(end(stream, over)).await;
            }
            self.look();
            let say = match self.connection.step() {
                Step::Send(frame) => Some(frame),
                Step::End(frame) => return Box::pin(farewell(stream, frame)).await,
                Step::Wait { until, or_change } => match self.event(&mut stream, until, or_change).await {
                    Event::Said(said) => {
                        if let Err(over) = self.hear(said) {
                            return Box::pin(end(stream, over)).await;
                        }
                        None
                    }
                    Event::Say(frame) => Some(frame),
                    Event::Look => None,
                },
            };
            if let Some(frame) = say
                && let Err(error) = stream.send(&frame.json).await
            {
                return unsent(&error);
            }
        }
    }

    async fn event(&mut self, stream: &mut WebSocket, until: Moment, or_change: bool) -> Event {
        let until = until.min(self.look_at);
        tokio::select! {
            said = stream.recv() => Event::Said(said),
            frame = finished(&mut self.running) => Event::Say(frame),
            frame = self.grace.warning() => frame.map_or(Event::Look, Event::Say),
            () = self.connection.wait(until, or_change) => Event::Look,
        }
    }

    /// Begins the next command; sends the worker away when beats would not be heard; asks the owner about silence.
    fn look(&mut self) {
        if self.running.is_none()
            && let Some(asked) = self.waiting.pop_front()
        {
            self.running = Some(Box::pin(asked.done(self.opened.app.clone(), self.opened.caller.clone())));
        }
        let now = Moment::now();
        if now < self.look_at {
            return;
        }
        self.look_at = now.after(LOOK_EVERY);
        let app = &self.opened.app;
        let Some(live) = app.view.sessions.of_worker(self.opened.worker) else { return };
        if !app.heartbeats.are_heard(&live) {
            self.connection.end(Bye::NoOwner(RETRY));
        }
        let silent = wall_now().since(live.last_seen());
        if silent >= app.settings.idle_timeout / 2 {
            self.grace.ask(&self.opened, &live);
        }
    }

    /// Takes what the client said.
    fn hear(&mut self, said: Result<Spoken, Ended>) -> Result<(), Over> {
        match said? {
            Spoken::Text(text) => match self.connection.hear(&text) {
                Some(Said::Heartbeat {}) => self.beat(),
                Some(Said::Command { id, name, body }) => self.command(Asked::new(id, name, body)),
                Some(_) => self.connection.refuse_unknown(),
                None => {}
            },
            Spoken::Binary => self.connection.end(Bye::BadRequest),
            Spoken::Sign => self.connection.sign(),
            Spoken::Close => return Err(Over::Closed),
        }
        Ok(())
    }

    fn command(&mut self, asked: Asked) {
        if self.waiting.len() < COMMANDS_MAX {
            self.waiting.push_back(asked);
        } else {
            // Nothing was sent to the owner: it may be sent again.
            self.connection.end(Bye::TooMany(RETRY));
        }
    }

    /// A sign of life of the worker's active session. Without one there is nothing to keep alive; but a view that lags may
    /// only not know it, and drop beat after beat in silence.
    fn beat(&mut self) {
        if !self.opened.lives {
            return self.connection.refuse_unknown();
        }
        let app = &self.opened.app;
        match app.view.sessions.of_worker(self.opened.worker) {
            Some(live) if app.heartbeats.are_heard(&live) => app.heartbeats.beat(&live),
            None if app.heartbeats.knows_who_is_there() => {}
            _ => self.connection.end(Bye::NoOwner(RETRY)),
        }
    }
}

/// The answer of the command that runs; never, when none does.
async fn finished(running: &mut Option<BoxFuture<'static, Frame>>) -> Frame {
    match running {
        Some(command) => {
            let frame = command.await;
            *running = None;
            frame
        }
        None => std::future::pending().await,
    }
}
