//! What a viewer holds, kept as the contract says and not a bit more cleverly; it checks every frame it is given.

use std::collections::BTreeMap;

use serde_json::Value;

/// Largest frame there may be.
const FRAME_MAX_BYTES: usize = 64 * 1024;

/// A table of sessions that follows the feed.
#[derive(Debug, Default)]
pub struct Table {
    /// Where it stands.
    pub cursor: Option<String>,
    /// The same when what it holds is what there is at the cursor, and not a part of what comes next.
    pub stands_at: Option<String>,
    /// The sessions by id.
    pub sessions: BTreeMap<String, Value>,
    snapshot: Option<BTreeMap<String, Value>>,
    /// How many frames of each type there were.
    pub counts: BTreeMap<String, usize>,
    /// Every status that a session has been shown with, in order.
    pub statuses: Vec<(String, String)>,
    /// The last `hello`, `reset`, `bye`, `error`, `gap`, by type.
    pub last: BTreeMap<String, Value>,
    /// Of the `del`s: the session, and why.
    pub gone: Vec<(String, String)>,
    /// The connection has begun with its `hello`.
    greeted: bool,
}

impl Table {
    /// The connection is another one.
    pub fn connects(&mut self) {
        (self.greeted, self.snapshot) = (false, None);
    }

    /// Takes a frame.
    pub fn take(&mut self, frame: &Value) {
        let kind = text(&frame["type"]);
        assert!(frame.to_string().len() <= FRAME_MAX_BYTES, "a {kind} is too large");
        assert!(self.greeted || matches!(kind.as_str(), "hello" | "bye"), "{kind} before hello");
        *self.counts.entry(kind.clone()).or_default() += 1;
        match kind.as_str() {
            "hello" => {
                assert_eq!(frame["v"], 1);
                self.greeted = true;
            }
            "reset" => self.cursor = None,
            "snapshot" => self.take_snapshot(frame),
            "delta" => {
                self.builds_on(frame);
                self.apply(frame);
            }
            "ping" => self.builds_on(frame),
            "gap" => assert!(frame["backfill"].as_str().is_some_and(|path| path.starts_with("/api/admin/events?"))),
            "fresh" => assert_eq!(frame["cursor"].as_str(), self.cursor.as_deref()),
            "stale" | "auth" | "error" | "bye" => {}
            other => panic!("an unknown frame: {other}"),
        }
        self.stands_at = frame["cursor"].as_str().map(str::to_owned);
        if let Some(cursor) = &self.stands_at {
            self.cursor = Some(cursor.clone());
        }
        self.last.insert(kind, frame.clone());
    }

    fn builds_on(&self, frame: &Value) {
        assert_eq!(frame["prev"].as_str(), self.cursor.as_deref(), "a frame is missing before {frame}");
    }

    fn take_snapshot(&mut self, frame: &Value) {
        if frame["part"] == 1 {
            self.snapshot = Some(BTreeMap::new());
        }
        let snapshot = self.snapshot.as_mut().expect("the first part comes first");
        for session in frame["sessions"].as_array().expect("sessions") {
            snapshot.insert(text(&session["id"]), session.clone());
        }
        if frame["last"] == true {
            self.sessions = self.snapshot.take().unwrap_or_default();
        }
    }

    fn apply(&mut self, frame: &Value) {
        for session in frame["set"].as_array().expect("set") {
            let id = text(&session["id"]);
            if self.sessions.get(&id).is_none_or(|known| known["seq"].as_u64() <= session["seq"].as_u64()) {
                self.statuses.push((id.clone(), session["current_status"].as_str().unwrap_or("none").to_owned()));
                self.sessions.insert(id, session.clone());
            }
        }
        for gone in frame["del"].as_array().expect("del") {
            let id = text(&gone["id"]);
            if self.sessions.get(&id).is_some_and(|known| known["seq"].as_u64() <= gone["seq"].as_u64()) {
                self.sessions.remove(&id);
            }
            self.gone.push((id, text(&gone["why"])));
        }
    }

    /// How many frames of this type there were.
    pub fn count(&self, kind: &str) -> usize {
        self.counts.get(kind).copied().unwrap_or(0)
    }

    /// The status a session is shown with.
    pub fn status(&self, id: &str) -> Option<&str> {
        self.sessions.get(id)?["current_status"].as_str()
    }

    /// What matters of each session: its status and totals.
    pub fn brief(&self) -> BTreeMap<String, String> {
        self.sessions.iter().map(|(id, session)| (id.clone(), brief(session))).collect()
    }
}

/// What matters of a session.
pub fn brief(session: &Value) -> String {
    format!("{} {} {}", session["current_status"], session["total_good"], session["total_scrap"])
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
