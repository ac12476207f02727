//! For tests: a log with its fold at every sequence, gateways that follow it, and a client that follows the contract to
//! the letter and checks every promise.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use bus_schemas::{Session, SessionId, SessionStatus, StationId, TimeUs, WorkerId};
use serde_json::Value;
use uuid::Uuid;

use super::{
    board::{Board, Memory},
    cursor::{Cursor, Epoch},
    difference::Tombstone,
    filter::Filter,
    frame::Frame,
    limits::FRAME_MAX_BYTES,
    step::Now,
};
use crate::{
    clock::Moment,
    fixtures::{NOW_US, event, session},
    live_view::{Folded, Sessions},
};

/// What a fold says of a session: the sequence of its last event, its station, its status.
pub type Brief = (u64, StationId, Option<String>);
/// The fold of the log at a sequence.
pub type Fold = BTreeMap<SessionId, Brief>;

pub const STATUSES: [&str; 3] = ["production", "fault", "setup"];

pub fn station(number: u128) -> StationId {
    StationId(Uuid::from_u128(1_000 + number))
}

pub fn epoch() -> Epoch {
    Epoch::new(TimeUs::from_micros(1_780_000_000_000_000), 0)
}

/// The log.
#[derive(Default)]
pub struct Log {
    sessions: Sessions,
    active: BTreeMap<u128, Session>,
    /// The message with sequence n is the (n-1)th; claims are none.
    pub messages: Vec<Option<Folded>>,
    folds: Vec<Fold>,
    opened: u128,
    /// Bytes of a customer's name: makes states large.
    fat: usize,
}

impl Log {
    pub fn fat(fat: usize) -> Self {
        Self { fat, ..Self::default() }
    }

    pub fn head(&self) -> u64 {
        self.messages.len() as u64
    }

    pub fn fold_at(&self, seq: u64, filter: &Filter) -> Fold {
        let Some(index) = seq.checked_sub(1) else { return Fold::new() };
        let all = self.folds[usize::try_from(index).unwrap()].clone();
        let wanted = |(_, station, status): &Brief| {
            let status = status.as_ref().map(|code| code.parse().unwrap());
            filter.sees(*station, WorkerId(Uuid::nil())) && filter.wants(status.as_ref())
        };
        all.into_iter().filter(|(_, brief)| wanted(brief)).collect()
    }

    pub fn claim(&mut self) {
        self.messages.push(None);
        self.folds.push(self.folds.last().cloned().unwrap_or_default());
    }

    /// Opens a session; one that is active is replaced.
    pub fn open(&mut self, worker: u128, at: u128) {
        self.close(worker);
        self.opened += 1;
        let mut opened = session(worker, 10_000 + self.opened);
        opened.station_id = station(at);
        opened.names.customer = Some("\"ü\"".repeat(self.fat / 4).into());
        self.append(opened);
    }

    pub fn status(&mut self, worker: u128, code: &str) {
        let Some(mut session) = self.active.get(&worker).cloned() else { return };
        session.current_status = Some(code.parse().unwrap());
        session.version += 1;
        self.append(session);
    }

    pub fn close(&mut self, worker: u128) {
        let Some(mut session) = self.active.get(&worker).cloned() else { return };
        session.status = SessionStatus::Completed;
        session.version += 1;
        self.append(session);
    }

    fn append(&mut self, session: Session) {
        let (worker, id, seq) = (session.worker_id.0.as_u128(), session.id, self.head() + 1);
        let mut fold = self.folds.last().cloned().unwrap_or_default();
        if session.is_active() {
            let status = session.current_status.as_ref().map(ToString::to_string);
            fold.insert(id, (seq, session.station_id, status));
            self.active.insert(worker, session.clone());
        } else {
            fold.remove(&id);
            self.active.remove(&worker);
        }
        self.folds.push(fold);
        self.messages.push(Some(self.sessions.fold(event(session), seq)));
    }

    pub fn closings(&self, after: u64, until: u64) -> Vec<Tombstone> {
        let mut closings = Vec::new();
        for seq in after + 1..=until {
            if let Some(folded) = &self.messages[usize::try_from(seq - 1).unwrap()]
                && !folded.live.session.is_active()
            {
                let session = &folded.live.session;
                closings.push(Tombstone::of(session, seq));
            }
        }
        closings
    }
}

/// A gateway's board, fed from the log.
pub struct Gateway {
    pub board: Board,
    memory: Memory,
    oldest_read: u64,
}

impl Gateway {
    pub fn new(memory: Memory) -> Self {
        let mut gateway = Self { board: Board::default(), memory, oldest_read: 0 };
        gateway.restart(&Log::default());
        gateway
    }

    /// Starts with the last message of each worker, as a gateway does.
    pub fn restart(&mut self, log: &Log) {
        self.board = Board::new(self.memory, Duration::from_secs(57_600));
        self.board.set_epoch(epoch());
        let mut last: HashMap<_, _> = HashMap::new();
        for (index, message) in log.messages.iter().enumerate() {
            if let Some(folded) = message {
                last.insert(folded.live.session.worker_id, (index as u64 + 1, folded));
            }
        }
        let mut last: Vec<_> = last.into_values().collect();
        last.sort_by_key(|(seq, _)| *seq);
        for (seq, folded) in last {
            self.board.fold(Arc::clone(&folded.live), None, seq);
        }
        self.board.catch_up(log.head());
        self.oldest_read = log.head();
    }

    pub fn follow(&mut self, log: &Log) {
        for seq in self.board.head() + 1..=log.head() {
            match &log.messages[usize::try_from(seq - 1).unwrap()] {
                Some(folded) => self.board.fold(Arc::clone(&folded.live), None, seq),
                None => self.board.reach(seq),
            }
        }
    }

    /// Reads some more of the past.
    pub fn look_back(&mut self, log: &Log, messages: u64) {
        let (up_to, down_to) = (self.oldest_read, self.oldest_read.saturating_sub(messages));
        if self.board.remember(&log.closings(down_to, up_to), down_to, up_to) {
            self.oldest_read = down_to;
        }
    }
}

/// A client that follows the contract.
#[derive(Default)]
pub struct Client {
    pub cursor: Option<Cursor>,
    map: BTreeMap<SessionId, Brief>,
    snapshot: Option<BTreeMap<SessionId, Brief>>,
    /// A gap, a reset or a resume: changes may have been left out.
    pub may_skip: bool,
    pub frames: usize,
    pub seen: BTreeMap<SessionId, i64>,
}

impl Client {
    /// Takes a frame; at every cursor, what it holds must be the fold of the log.
    pub fn take(&mut self, frame: &Frame, log: &Log, filter: &Filter, every: bool) {
        self.frames += 1;
        assert!(frame.json.len() <= FRAME_MAX_BYTES, "a {} of {} bytes", frame.kind, frame.json.len());
        let json: Value = serde_json::from_str(&frame.json).unwrap();
        let before = self.cursor;
        match json["type"].as_str().unwrap() {
            "hello" => self.may_skip |= json["resumed"] == true,
            "reset" => self.cursor = None,
            "snapshot" => self.take_snapshot(&json),
            "delta" => {
                self.builds_on(&json);
                self.apply(&json);
            }
            "ping" => {
                self.builds_on(&json);
                for seen in json["seen"].as_array().into_iter().flatten() {
                    self.seen.insert(id(&seen[0]), seen[1].as_i64().unwrap());
                }
            }
            "gap" => {
                assert_eq!(json["from"], self.cursor.unwrap().seq);
                self.may_skip = true;
            }
            "fresh" => assert_eq!(json["cursor"], self.cursor.unwrap().to_string()),
            "stale" | "auth" | "error" | "bye" => {}
            other => panic!("an unknown frame: {other}"),
        }
        if json["type"] != "fresh"
            && let Some(text) = json["cursor"].as_str()
        {
            let cursor: Cursor = text.parse().unwrap();
            assert_eq!(frame.cursor, Some(cursor));
            assert_eq!(cursor.filter, filter.hash());
            self.cursor = Some(cursor);
            assert_eq!(self.map, log.fold_at(cursor.seq, filter), "at {} after {}", cursor.seq, frame.json);
            self.nothing_skipped(before, cursor, log, filter, every && json["type"] == "delta");
            self.may_skip &= json["type"] == "ping";
        }
    }

    fn nothing_skipped(&self, before: Option<Cursor>, now: Cursor, log: &Log, filter: &Filter, checked: bool) {
        let Some(before) = before.filter(|_| checked && !self.may_skip) else { return };
        let start = log.fold_at(before.seq, filter);
        for seq in before.seq..now.seq {
            assert_eq!(log.fold_at(seq, filter), start, "the change at {seq} was left out");
        }
    }

    fn builds_on(&self, json: &Value) {
        assert_eq!(json["prev"], self.cursor.expect("a snapshot came first").to_string());
    }

    fn take_snapshot(&mut self, json: &Value) {
        if json["part"] == 1 {
            self.snapshot = Some(BTreeMap::new());
        }
        let snapshot = self.snapshot.as_mut().expect("the first part came first");
        for session in json["sessions"].as_array().unwrap() {
            snapshot.insert(id(&session["id"]), brief(session));
        }
        if json["last"] == true {
            self.map = self.snapshot.take().unwrap();
            self.may_skip = true;
        }
    }

    /// At once, also when more parts are to come: that must do no harm.
    fn apply(&mut self, json: &Value) {
        for session in json["set"].as_array().unwrap() {
            let (id, brief) = (id(&session["id"]), brief(session));
            if self.map.get(&id).is_none_or(|known| known.0 <= brief.0) {
                self.map.insert(id, brief);
            }
        }
        for gone in json["del"].as_array().unwrap() {
            let (id, seq) = (id(&gone["id"]), gone["seq"].as_u64().unwrap());
            if self.map.get(&id).is_some_and(|known| known.0 <= seq) {
                self.map.remove(&id);
            }
        }
    }
}

fn id(json: &Value) -> SessionId {
    json.as_str().unwrap().parse().unwrap()
}

fn brief(session: &Value) -> Brief {
    let station: StationId = session["station"]["id"].as_str().unwrap().parse().unwrap();
    (session["seq"].as_u64().unwrap(), station, session["current_status"].as_str().map(str::to_owned))
}

/// The time after so many milliseconds.
pub fn at(ms: u64) -> Now {
    let wall = TimeUs::from_micros(NOW_US).after(Duration::from_millis(ms));
    Now { at: Moment::from_bits(1 + ms).unwrap(), wall }
}
