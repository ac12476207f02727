//! A cut: everything that brings a viewer to one sequence, in as many frames as it takes. Only the last has a cursor.

use std::{collections::VecDeque, fmt::Write, sync::Arc, time::Duration, vec};

use super::{
    cursor::Cursor,
    difference::{Difference, Gone, Why},
    entry::Entry,
    frame::Frame,
    limits::{ENVELOPE_BYTES, FRAME_MAX_BYTES},
};

/// What the sessions of a frame may take.
const BODY_MAX_BYTES: usize = FRAME_MAX_BYTES - ENVELOPE_BYTES;
/// A state as most are; only to make room at once.
const STATE_BYTES: usize = 1_100;
/// Type, two cursors, counts.
const CURSORS_BYTES: usize = 256;
/// `{"id":"<36>","seq":<20>,"why":"closed","cause":"completed"},`
const GONE_BYTES: usize = 128;

/// A cut that is being sent. States are encoded when their frame is, not before.
#[derive(Debug)]
pub struct Cut {
    /// What a delta builds on; none: a snapshot, which replaces everything.
    prev: Option<Cursor>,
    to: Cursor,
    merged: u64,
    part: u32,
    set: vec::IntoIter<Arc<Entry>>,
    /// The encoded state that did not fit into the frame before.
    waiting: Option<Arc<str>>,
    gone: VecDeque<Gone>,
}

impl Cut {
    /// Everything there is.
    #[must_use]
    pub fn snapshot(to: Cursor, sessions: Vec<Arc<Entry>>) -> Self {
        Self::new(None, to, 0, sessions, Vec::new())
    }

    /// What has changed since `prev`: that many changes in one.
    #[must_use]
    pub fn delta(prev: Cursor, to: Cursor, merged: u64, difference: Difference) -> Self {
        Self::new(Some(prev), to, merged, difference.set, difference.gone)
    }

    fn new(prev: Option<Cursor>, to: Cursor, merged: u64, set: Vec<Arc<Entry>>, gone: Vec<Gone>) -> Self {
        Self { prev, to, merged, part: 0, set: set.into_iter(), waiting: None, gone: gone.into() }
    }

    /// Where a viewer stands who has taken it all.
    #[must_use]
    pub const fn to(&self) -> Cursor {
        self.to
    }

    /// The next frame, and whether it is the last.
    pub fn next_part(&mut self, max_session: Duration) -> (Frame, bool) {
        self.part += 1;
        let kind = if self.prev.is_some() { "delta" } else { "snapshot" };
        let mut json = String::with_capacity((self.set.len() * STATE_BYTES + CURSORS_BYTES).min(BODY_MAX_BYTES));
        // Writing into a String cannot fail, here and below.
        let _ = write!(json, "{{\"type\":\"{kind}\",");
        if let Some(prev) = &self.prev {
            let _ = write!(json, "\"prev\":\"{prev}\",\"set\":[");
        } else {
            json.push_str("\"sessions\":[");
        }
        self.put_states(&mut json, max_session);
        json.push(']');
        if self.prev.is_some() {
            json.push_str(",\"del\":[");
            self.put_gone(&mut json);
            json.push(']');
        }
        let last = self.waiting.is_none() && self.set.as_slice().is_empty() && self.gone.is_empty();
        self.close(&mut json, last);
        let mut frame = Frame::new(kind, json);
        frame.cursor = last.then_some(self.to);
        (frame, last)
    }

    fn put_states(&mut self, json: &mut String, max_session: Duration) {
        let mut first = true;
        while let Some(state) = self.waiting.take().or_else(|| Some(self.set.next()?.json(max_session))) {
            // One that is larger than a frame alone cannot be: names and notes are limited.
            if !first && json.len() + state.len() >= BODY_MAX_BYTES {
                self.waiting = Some(state);
                return;
            }
            if !first {
                json.push(',');
            }
            first = false;
            json.push_str(&state);
        }
    }

    fn put_gone(&mut self, json: &mut String) {
        if self.waiting.is_some() {
            return;
        }
        let mut comma = "";
        while json.len() + GONE_BYTES < BODY_MAX_BYTES
            && let Some(gone) = self.gone.pop_front()
        {
            let (why, cause) = match gone.why {
                Why::Closed(cause) => ("closed", cause),
                Why::Filtered => ("filtered", None),
            };
            let _ = write!(json, "{comma}{{\"id\":\"{}\",\"seq\":{},\"why\":\"{why}\"", gone.id, gone.seq);
            if let Some(cause) = cause {
                let _ = write!(json, ",\"cause\":\"{}\"", cause.as_str());
            }
            json.push('}');
            comma = ",";
        }
    }

    fn close(&self, json: &mut String, last: bool) {
        // A delta in one frame needs no numbering; a snapshot has it always.
        if self.prev.is_none() || self.part > 1 || !last {
            let _ = write!(json, ",\"part\":{},\"last\":{last}", self.part);
        }
        if last {
            let _ = write!(json, ",\"cursor\":\"{}\"", self.to);
            if self.prev.is_some() {
                let _ = write!(json, ",\"merged\":{}", self.merged);
            }
        }
        json.push('}');
    }
}
