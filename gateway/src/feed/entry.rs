//! One session on the board: its state, encoded once for everybody, and what its status was before.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
    time::Duration,
};

use bus_schemas::{SessionId, StationId, StatusCode, TimeUs, WorkerId};
use serde::Serialize;

use super::filter::Filter;
use crate::{
    live_view::LiveSession,
    records::{JobBrief, SessionRecord, SessionRow, StationBrief, Time, WorkerBrief},
};

/// What a session was before its status of now.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Before {
    /// The board began with it as it is.
    Unknown,
    /// It was not open.
    Absent,
    /// It had this status since this sequence.
    Was(Option<StatusCode>, u64),
}

/// An active session. Never changed but replaced by its next state; only signs of life are noted on it.
#[derive(Debug)]
pub struct Entry {
    /// The state.
    pub live: Arc<LiveSession>,
    /// Since which sequence it has its status.
    status_seq: u64,
    before: Before,
    json: OnceLock<Arc<str>>,
    /// The last sign of life that the encoded state has at least, or that was listed.
    listed_us: AtomicI64,
    /// In which round it was listed last; 0: in none since this state.
    round: AtomicU32,
}

/// A session as viewers get it.
#[derive(Serialize)]
struct Shown {
    seq: u64,
    #[serde(flatten)]
    session: SessionRecord,
    worker: WorkerBrief,
    station: StationBrief,
    job: JobBrief,
    last_note: Option<Box<str>>,
    /// From then on it counts as forgotten: a time and no flag, so that nobody has to be told when it comes.
    overlong_at: Time,
}

impl Entry {
    /// The next state of a session, after `former` when the board has had it before.
    pub(super) fn new(live: Arc<LiveSession>, former: Option<&Self>) -> Self {
        let (status_seq, before) = match former {
            Some(former) if former.status() == live.session.current_status.as_ref() => {
                (former.status_seq, former.before.clone())
            }
            Some(former) => (live.seq, Before::Was(former.status().cloned(), former.status_seq)),
            None if live.session.version == 1 => (live.seq, Before::Absent),
            None => (live.seq, Before::Unknown),
        };
        let listed_us = AtomicI64::new(live.last_seen().as_micros());
        Self { live, status_seq, before, json: OnceLock::new(), listed_us, round: AtomicU32::new(0) }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.live.session.id
    }

    /// The sequence of its last event.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.live.seq
    }

    /// Where it is.
    #[must_use]
    pub fn station(&self) -> StationId {
        self.live.session.station_id
    }

    /// Its status.
    #[must_use]
    pub fn status(&self) -> Option<&StatusCode> {
        self.live.session.current_status.as_ref()
    }

    /// Whose it is.
    #[must_use]
    pub fn worker(&self) -> WorkerId {
        self.live.session.worker_id
    }

    /// Whether this filter may show it, whatever its status.
    #[must_use]
    pub fn is_seen(&self, filter: &Filter) -> bool {
        filter.sees(self.station(), self.worker())
    }

    /// Whether it is in what this filter shows.
    #[must_use]
    pub fn is_shown(&self, filter: &Filter) -> bool {
        self.is_seen(filter) && filter.wants(self.status())
    }

    /// Whether this filter, which does not show it now, may have shown it at `seq` or since. Wrong on one side only:
    /// what it says no to, no viewer that was at `seq` has got.
    #[must_use]
    pub fn was_shown(&self, filter: &Filter, seq: u64) -> bool {
        if seq >= self.status_seq {
            return filter.wants(self.status());
        }
        match &self.before {
            Before::Absent => false,
            Before::Was(status, since) if seq >= *since => filter.wants(status.as_ref()),
            Before::Was(..) | Before::Unknown => true,
        }
    }

    /// The state as JSON: encoded when the first viewer needs it, for all of them.
    #[must_use]
    pub fn json(&self, max_session: Duration) -> Arc<str> {
        Arc::clone(self.json.get_or_init(|| self.encode(max_session)))
    }

    fn encode(&self, max_session: Duration) -> Arc<str> {
        let live = &self.live;
        let row = SessionRow::of(&live.session, Some(live.last_seen()), live.last_note.as_deref(), false);
        let shown = Shown {
            seq: live.seq,
            session: row.session,
            worker: row.worker,
            station: row.station,
            job: row.job,
            last_note: row.last_note,
            overlong_at: Time(live.session.opened_at_us.after(max_session)),
        };
        // Texts, numbers and times: nothing here that JSON cannot say.
        serde_json::to_string(&shown).unwrap_or_default().into()
    }

    /// Lists it in this round when there was a sign of life that no viewer has been told.
    pub(super) fn list(&self, round: u32) {
        let seen = self.live.last_seen().as_micros();
        if seen > self.listed_us.fetch_max(seen, Ordering::Relaxed) {
            self.round.store(round, Ordering::Relaxed);
        }
    }

    /// The newest sign of life, when it was listed after this round.
    #[must_use]
    pub fn seen_since(&self, round: u32) -> Option<TimeUs> {
        (self.round.load(Ordering::Relaxed) > round)
            .then(|| TimeUs::from_micros(self.listed_us.load(Ordering::Relaxed)))
    }
}
