//! Where a viewer stands: `<epoch>.<seq>.<filter hash>`, opaque to clients, good on every gateway.

use std::{fmt, str::FromStr};

use bus_schemas::TimeUs;

use super::limits::CURSOR_MAX_BYTES;

/// Names one life of the log: its stream's creation, and the generation a restore counts up. Two logs never share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Epoch {
    created_us: i64,
    generation: u32,
}

impl Epoch {
    /// Of the stream created at this time, in this generation.
    #[must_use]
    pub const fn new(created: TimeUs, generation: u32) -> Self {
        Self { created_us: created.as_micros(), generation }
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_base36(f, self.created_us.cast_unsigned())?;
        if self.generation == 0 { Ok(()) } else { write!(f, "-{}", self.generation) }
    }
}

impl FromStr for Epoch {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, NotACursor> {
        let (created, generation) = match text.split_once('-') {
            Some((created, generation)) => (created, generation.parse().map_err(|_| NotACursor)?),
            None => (text, 0),
        };
        let created = u64::from_str_radix(created, 36).map_err(|_| NotACursor)?;
        Ok(Self { created_us: created.cast_signed(), generation })
    }
}

fn write_base36(f: &mut fmt::Formatter<'_>, mut number: u64) -> fmt::Result {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    // 36^13 > 2^64.
    let mut text = [b'0'; 13];
    let mut start = text.len() - 1;
    loop {
        text[start] = DIGITS[(number % 36) as usize];
        number /= 36;
        if number == 0 || start == 0 {
            break;
        }
        start -= 1;
    }
    f.write_str(std::str::from_utf8(&text[start..]).unwrap_or("0"))
}

/// A position in the log, as seen through a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Which log.
    pub epoch: Epoch,
    /// Everything up to this sequence is in what the viewer holds.
    pub seq: u64,
    /// The [hash](super::filter::Filter::hash) of the filter.
    pub filter: u64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.", self.epoch, self.seq)?;
        write_base36(f, self.filter)
    }
}

/// The text is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no cursor: use one from a frame, unchanged")]
pub struct NotACursor;

impl FromStr for Cursor {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, NotACursor> {
        if text.len() > CURSOR_MAX_BYTES {
            return Err(NotACursor);
        }
        let mut parts = text.split('.');
        let (Some(epoch), Some(seq), Some(filter), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(NotACursor);
        };
        Ok(Self {
            epoch: epoch.parse()?,
            seq: seq.parse().map_err(|_| NotACursor)?,
            filter: u64::from_str_radix(filter, 36).map_err(|_| NotACursor)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_survives_being_text(created in any::<i64>(), generation in any::<u32>(), seq in any::<u64>(), filter in any::<u64>()) {
            let cursor = Cursor { epoch: Epoch::new(TimeUs::from_micros(created), generation), seq, filter };
            let text = cursor.to_string();
            prop_assert!(text.len() <= CURSOR_MAX_BYTES);
            prop_assert_eq!(text.parse::<Cursor>(), Ok(cursor));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,200}|[a-z0-9.-]{0,200}") {
            let _ = text.parse::<Cursor>();
        }
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        for text in ["", ".", "..", "a.b.c", "a.1", "a.1.2.3", "a.-1.2", &"a".repeat(CURSOR_MAX_BYTES + 1)] {
            assert_eq!(text.parse::<Cursor>(), Err(NotACursor), "{text}");
        }
    }

    #[test]
    fn another_stream_or_generation_is_another_epoch() {
        let at = TimeUs::from_micros(1_780_000_000_000_000);
        let (first, restored) = (Epoch::new(at, 0), Epoch::new(at, 1));
        assert_ne!(first.to_string(), restored.to_string());
        assert_eq!(first.to_string(), "hiygplrfgg");
    }
}
