//! The feed as server-sent events.

use std::{convert::Infallible, fmt::Write};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures::stream;
use http::{HeaderName, HeaderValue, header};

use super::{
    connection::{Connection, NotNow},
    frame::Frame,
    step::Step,
};
use crate::server::Streaming;

/// For nginx: pass on every event at once.
const NO_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The stream of a connection.
pub fn stream(connection: Connection) -> Response {
    let events = stream::unfold(Some(connection), |connection| async {
        let mut connection = connection?;
        loop {
            match connection.step() {
                Step::Send(frame) => return Some((Ok::<_, Infallible>(event(&frame)), Some(connection))),
                Step::End(frame) => return Some((Ok(event(&frame)), None)),
                Step::Wait { until, or_change } => connection.wait(until, or_change).await,
            }
        }
    });
    answer(Body::from_stream(events))
}

/// A refusal for now. A browser never comes back after another status than 200: it gets the time of its return, and
/// the end.
pub fn not_now(NotNow(bye): NotNow) -> Response {
    answer(Body::from(event(&Frame::bye(bye))))
}

fn answer(body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    headers.insert(NO_BUFFERING, HeaderValue::from_static("no"));
    response.extensions_mut().insert(Streaming);
    response
}

/// A frame as an event. Its JSON has no line break in it.
fn event(frame: &Frame) -> Bytes {
    let mut text = String::with_capacity(frame.json.len() + 128);
    // Writing into a String cannot fail.
    if let Some(retry) = frame.retry {
        let _ = writeln!(text, "retry: {}", retry.as_millis());
    }
    if let Some(cursor) = &frame.cursor {
        let _ = writeln!(text, "id: {cursor}");
    }
    let _ = write!(text, "event: {}\ndata: {}\n\n", frame.kind, frame.json);
    text.into()
}

#[cfg(test)]
mod tests {
    use bus_schemas::TimeUs;

    use super::*;
    use crate::feed::{
        cursor::{Cursor, Epoch},
        frame::Bye,
    };

    #[test]
    fn a_frame_is_an_event_with_an_id_only_where_a_client_may_go_on() {
        let at = TimeUs::from_micros(0);
        let epoch = Epoch::new(TimeUs::from_micros(35), 0);
        let hello = event(&Frame::hello(epoch, 1, false, at));
        let text = std::str::from_utf8(&hello).unwrap();
        assert!(text.starts_with("retry: 2000\nevent: hello\ndata: {") && text.ends_with("}\n\n"), "{text}");
        let cursor = Cursor { epoch, seq: 7, filter: 0 };
        let ping = event(&Frame::ping(&cursor, cursor, at, 0, &[]));
        assert!(ping.starts_with(b"id: z.7.0\nevent: ping\ndata: {"));
        let bye = event(&Frame::bye(Bye::TooMany(std::time::Duration::from_millis(1_234))));
        assert!(bye.starts_with(b"retry: 1234\nevent: bye\n"));
    }
}
