//! The feed as one JSON answer after the other: `{"frames": […], "cursor": "…"}`.
//!
//! It is over when there was something to tell, or when the time is over. The frames leave as they come, so that a
//! large snapshot is never whole in memory.

use std::{convert::Infallible, fmt::Write, time::Duration};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures::stream;
use http::{HeaderValue, header};

use super::{connection::Connection, cursor::Cursor, frame::Frame, step::Step};
use crate::{clock::Moment, server::Streaming};

/// An answer in the making.
struct Poll {
    connection: Connection,
    until: Moment,
    begun: bool,
    /// Something was told beside where the client stands.
    told: bool,
    cursor: Option<Cursor>,
    over: bool,
}

/// The answer to one poll, after `wait` at the latest.
pub fn answer(connection: Connection, wait: Duration) -> Response {
    let until = Moment::now().after(wait);
    let poll = Poll { connection, until, begun: false, told: false, cursor: None, over: false };
    let parts = stream::unfold(poll, |mut poll| async move {
        let part = poll.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(part)), poll))
    });
    let mut response = Response::new(Body::from_stream(parts));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.extensions_mut().insert(Streaming);
    response
}

impl Poll {
    async fn next(&mut self) -> Option<String> {
        while !self.over {
            match self.connection.step() {
                Step::Send(frame) => return Some(self.put(frame)),
                Step::End(frame) => {
                    let mut text = self.put(frame);
                    text.push_str(&self.end());
                    return Some(text);
                }
                Step::Wait { until, or_change } => {
                    if self.told || Moment::now() >= self.until {
                        return Some(self.end());
                    }
                    self.connection.wait(until.min(self.until), or_change).await;
                }
            }
        }
        None
    }

    fn put(&mut self, frame: Frame) -> String {
        self.told |= match frame.kind {
            "hello" => false,
            "ping" => frame.json.contains("\"seen\":["),
            _ => true,
        };
        self.cursor = frame.cursor.or(self.cursor);
        let start = if std::mem::replace(&mut self.begun, true) { "," } else { "{\"frames\":[" };
        format!("{start}{}", frame.json)
    }

    fn end(&mut self) -> String {
        self.over = true;
        let mut text = String::from(if self.begun { "]" } else { "{\"frames\":[]" });
        if let Some(cursor) = &self.cursor {
            // Writing into a String cannot fail.
            let _ = write!(text, ",\"cursor\":\"{cursor}\"");
        }
        text.push('}');
        text
    }
}
