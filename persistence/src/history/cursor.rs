//! Where a page of history ended.

use std::{fmt, str::FromStr};

use bus_schemas::{SessionId, TimeUs};

/// The last session of a page: the next one begins behind it, whatever was added meanwhile. Opaque to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// When it ended.
    pub ended_at_us: TimeUs,
    /// Its id: sessions may end in the same microsecond.
    pub id: SessionId,
}

/// The text is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no cursor: use the next_cursor of the page before, unchanged")]
pub struct BadCursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}.{}", self.ended_at_us.as_micros(), self.id.0.as_simple())
    }
}

impl FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let (at, id) = text.split_once('.').ok_or(BadCursor)?;
        let at = u64::from_str_radix(at, 16).ok().and_then(|at| i64::try_from(at).ok()).ok_or(BadCursor)?;
        let cursor = Self { ended_at_us: TimeUs::from_micros(at), id: id.parse().map_err(|_| BadCursor)? };
        // One cursor, one text: and a time that the tables can hold.
        let fits = crate::convert::time("cursor", cursor.ended_at_us).is_ok();
        if fits && cursor.to_string() == text { Ok(cursor) } else { Err(BadCursor) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_being_text() {
        let cursor = Cursor {
            ended_at_us: TimeUs::from_micros(1_793_526_400_123_457),
            id: "0190a5c0-0000-7000-8000-000000000001".parse().unwrap(),
        };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
    }

    #[test]
    fn anything_else_is_refused() {
        let id = "0190a5c0000070008000000000000001";
        for text in ["", ".", "x", &format!(".{id}"), &format!("-1.{id}"), &format!("+1.{id}"), "1.zz"] {
            assert_eq!(text.parse::<Cursor>(), Err(BadCursor), "{text}");
        }
        assert_eq!(format!("7fffffffffffffff.{id}").parse::<Cursor>(), Err(BadCursor), "beyond any table");
    }
}
