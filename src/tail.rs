//! Follows the log and prints what happens to sessions: first what is so (the last event of every active session) or
//! what was (everything since a time), then everything that comes.

mod chosen;
mod json;
mod line;
mod since;

use std::collections::HashSet;
use std::io::{self, BufWriter, Stdout, Write as _};

use andon_nats::{Bus, Followed, Follower, Start, StoredMessage};
use anyhow::Context as _;
use bus_schemas::{SessionEvent, SessionId, subject};

use crate::printable::printable;
pub use chosen::Chosen;
pub use since::Since;

/// How an event is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A line for people.
    Text,
    /// A JSON object.
    Json,
}

/// The log on its way to standard output.
pub struct Tail {
    follower: Follower,
    chosen: Chosen,
    format: Format,
    out: BufWriter<Stdout>,
    phase: Phase,
}

/// What is printed of what comes.
enum Phase {
    /// The last event of each active session, and what happens to those meanwhile.
    Snapshot { shown: HashSet<SessionId> },
    /// Everything, as fast as it can be read.
    CatchUp,
    /// Everything, at once.
    Live,
}

impl Tail {
    /// A tail of the log; `since` turns the snapshot into everything from then on.
    ///
    /// # Errors
    /// The log cannot be read.
    pub async fn new(bus: Bus, chosen: Chosen, since: Option<Since>, format: Format) -> anyhow::Result<Self> {
        let (start, phase) = match since {
            None => (Start::LastPerSubject, Phase::Snapshot { shown: HashSet::new() }),
            Some(since) => (Start::Sequence(since.sequence(&bus).await?), Phase::CatchUp),
        };
        let follower = Follower::new(bus, subject::STREAM_LOG, vec![chosen.filter()], start);
        Ok(Self { follower, chosen, format, out: BufWriter::new(io::stdout()), phase })
    }

    /// Prints until nobody reads any more.
    ///
    /// # Errors
    /// Standard output fails in another way.
    pub async fn run(mut self) -> anyhow::Result<()> {
        loop {
            let printed = match self.follower.next().await {
                Followed::Message(message) => self.show(&message),
                Followed::CaughtUp => self.caught_up(),
                Followed::Interrupted(why) => {
                    tracing::warn!("the log does not answer, still trying: {}", printable(&why));
                    self.out.flush()
                }
            };
            match printed {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                other => other.context("standard output cannot be written")?,
            }
        }
    }

    fn caught_up(&mut self) -> io::Result<()> {
        if let Phase::Snapshot { shown } = &self.phase {
            tracing::info!("{} active sessions; following", shown.len());
        }
        self.phase = Phase::Live;
        self.out.flush()
    }

    fn show(&mut self, message: &StoredMessage) -> io::Result<()> {
        let text = match message.decode::<SessionEvent>() {
            Ok(event) if !self.is_wanted(&event) => return Ok(()),
            Ok(event) => match self.format {
                Format::Text => line::event(&event),
                Format::Json => json::event(message, &event),
            },
            // Somebody who looks for one worker by name cannot know whose it is, so everybody is told.
            Err(error) => match self.format {
                Format::Text => line::unreadable(message, &error.to_string()),
                Format::Json => json::unreadable(message, &error.to_string()),
            },
        };
        writeln!(self.out, "{text}")?;
        if matches!(self.phase, Phase::Live) { self.out.flush() } else { Ok(()) }
    }

    fn is_wanted(&mut self, event: &SessionEvent) -> bool {
        if !self.chosen.matches(event) {
            return false;
        }
        match &mut self.phase {
            // A session that closes while the snapshot is read was shown as active before: its end belongs to it.
            Phase::Snapshot { shown } if event.state.session.is_active() => {
                shown.insert(event.session_id);
                true
            }
            Phase::Snapshot { shown } => shown.remove(&event.session_id),
            Phase::CatchUp | Phase::Live => true,
        }
    }
}
