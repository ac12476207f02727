//! Many viewers at once: what each change's arrival is written down of, and those who do not read.

use anyhow::Context as _;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::stream::{Stream, Target};
use crate::bench::clock::wall_us;

/// Handshakes at once.
const HANDSHAKES: usize = 64;
/// Begins the state of a session that was changed.
pub const SET: &[u8] = b"{\"seq\":";
/// Comes before the sequence of a session that was taken out; a state begins with its own.
pub const GONE: &[u8] = b"\",\"seq\":";
/// The last frame of a beginning has it, and no earlier one.
const BEGUN: &[u8] = b"\"cursor\":\"";
const PING: &[u8] = b"{\"type\":\"ping\"";
/// Receive buffer of a viewer who does not read, so that it is soon felt.
const STALLED_BUFFER_BYTES: u32 = 4_096;

/// A change at a viewer.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    /// Which.
    pub number: u64,
    /// When, in microseconds since 1970.
    pub at_us: i64,
}

/// Viewers that follow.
pub struct Crowd {
    watching: JoinSet<anyhow::Result<Vec<Arrival>>>,
    stop: CancellationToken,
    _stalled: Vec<Stream>,
}

impl Crowd {
    /// Connects so many, and waits until each has what there is; and so many besides who do not read.
    ///
    /// # Errors
    /// One of them is refused.
    pub async fn gather(target: &Target, viewers: usize, stalled: usize, marks: &'static [u8]) -> anyhow::Result<Self> {
        let opened = |_| async { begun(Stream::open(target, None).await?).await };
        let opened: Vec<Stream> =
            stream::iter(0..viewers).map(opened).buffer_unordered(HANDSHAKES).try_collect().await?;
        let deaf = |_| Stream::open(target, Some(STALLED_BUFFER_BYTES));
        let stalled = stream::iter(0..stalled).map(deaf).buffer_unordered(HANDSHAKES).try_collect().await?;
        let (mut watching, stop) = (JoinSet::new(), CancellationToken::new());
        for stream in opened {
            watching.spawn(watch(stream, marks, stop.clone()));
        }
        Ok(Self { watching, stop, _stalled: stalled })
    }

    /// Ends it: what arrived at whom.
    ///
    /// # Errors
    /// One of them was sent away.
    pub async fn leave(mut self) -> anyhow::Result<Vec<Vec<Arrival>>> {
        self.stop.cancel();
        let mut arrivals = Vec::with_capacity(self.watching.len());
        while let Some(ended) = self.watching.join_next().await {
            arrivals.push(ended.context("a viewer failed")??);
        }
        Ok(arrivals)
    }
}

async fn begun(mut stream: Stream) -> anyhow::Result<Stream> {
    while !contains(&stream.next().await?, BEGUN) {}
    Ok(stream)
}

async fn watch(mut stream: Stream, marks: &'static [u8], stop: CancellationToken) -> anyhow::Result<Vec<Arrival>> {
    let mut arrivals = Vec::new();
    loop {
        let message = tokio::select! {
            message = stream.next() => message?,
            () = stop.cancelled() => return Ok(arrivals),
        };
        let at_us = wall_us();
        if message.starts_with(PING) {
            stream.pong().await?;
        } else {
            arrivals.extend(numbers(&message, marks).map(|number| Arrival { number, at_us }));
        }
    }
}

/// The numbers that follow these marks.
fn numbers<'a>(message: &'a [u8], marks: &'static [u8]) -> impl Iterator<Item = u64> + 'a {
    let mut rest = message;
    std::iter::from_fn(move || {
        let at = find(rest, marks)? + marks.len();
        rest = &rest[at..];
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit());
        Some(digits.fold(0, |number: u64, digit| number.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'))))
    })
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = text.get(from..)?.iter().position(|byte| *byte == wanted[0]) {
        if text[from + at..].starts_with(wanted) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

fn contains(text: &[u8], wanted: &[u8]) -> bool {
    find(text, wanted).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_what_was_asked_for() {
        let delta =
            br#"{"type":"delta","set":[{"seq":12,"id":"a"},{"seq":13}],"del":[{"id":"b","seq":14,"why":"closed"}]}"#;
        assert_eq!(numbers(delta, SET).collect::<Vec<_>>(), [12, 13]);
        assert_eq!(numbers(delta, GONE).collect::<Vec<_>>(), [14]);
        assert_eq!(numbers(b"{\"se", SET).count(), 0);
    }
}
