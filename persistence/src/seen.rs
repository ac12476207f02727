//! `last_seen_at` from the last-seen tables: rarely, in batches, and never backwards.
//!
//! The live view has it to 15 s. Here it serves reports, so a minute is enough, and a session costs Postgres one row a
//! minute however often it is seen.

use std::{collections::HashMap, time::Duration};

use bus_schemas::{Partition, SessionId, TimeUs, seen::LastSeen};
use sqlx::PgConnection;
use tokio::time::Instant;

use crate::{
    convert, measures,
    projection::{WriteError, column},
};

/// Least time between two writes of one session.
pub const WRITE_EVERY: Duration = Duration::from_secs(60);
/// Sessions in one statement: the projection waits for no more than some 15 ms of it.
pub const WRITE_AT_ONCE: usize = 1_000;

/// What the last-seen tables said since it was last written.
#[derive(Default)]
pub struct SeenBuffer {
    /// The newest claim whose table was read: an older owner's table is ignored.
    claims: HashMap<Partition, u64>,
    pending: HashMap<SessionId, TimeUs>,
    /// Being written, in pieces.
    due: Vec<(SessionId, TimeUs)>,
    last_write: Option<Instant>,
}

impl SeenBuffer {
    /// Takes in a table.
    pub fn offer(&mut self, partition: Partition, table: &LastSeen) {
        let newest = self.claims.entry(partition).or_default();
        if table.claim_seq < *newest {
            return;
        }
        *newest = table.claim_seq;
        for row in &table.seen {
            let at = self.pending.entry(row.session_id).or_insert(row.last_seen_at_us);
            *at = (*at).max(row.last_seen_at_us);
        }
    }

    /// When there is something to write, as far as is known now.
    pub fn next_write(&self, now: Instant) -> Instant {
        if !self.due.is_empty() {
            now
        } else if self.pending.is_empty() {
            now + WRITE_EVERY
        } else {
            self.last_write.map_or(now, |at| at + WRITE_EVERY)
        }
    }

    /// The next piece to write; empty when it is not time yet.
    pub fn take(&mut self, now: Instant) -> Vec<(SessionId, TimeUs)> {
        if self.due.is_empty() && !self.pending.is_empty() && now >= self.next_write(now) {
            self.last_write = Some(now);
            self.due = self.pending.drain().collect();
        }
        let rest = self.due.len().saturating_sub(WRITE_AT_ONCE);
        self.due.split_off(rest)
    }
}

/// Writes them; a session that is closed or was seen later keeps what it has.
pub async fn write(connection: &mut PgConnection, rows: &[(SessionId, TimeUs)]) -> Result<(), WriteError> {
    // A time that no column holds is of no use to anybody: it is left out, not quarantined.
    let rows: Vec<_> =
        rows.iter().filter_map(|&(session, at)| Some((session, convert::time("seen", at).ok()?))).collect();
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE sessions SET last_seen_at = seen.at \
         FROM UNNEST($1::uuid[], $2::timestamptz[]) AS seen (id, at) \
         WHERE sessions.id = seen.id AND sessions.ended_at IS NULL AND sessions.last_seen_at < seen.at",
    )
    .bind(column(&rows, |row| row.0.0))
    .bind(column(&rows, |row| row.1))
    .execute(connection)
    .await?;
    measures::seen(rows.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use bus_schemas::seen::SeenRow;

    use super::*;

    fn session(number: u128) -> SessionId {
        SessionId(uuid::Uuid::from_u128(number))
    }

    fn table(claim_seq: u64, rows: &[(u128, i64)]) -> LastSeen {
        let row = |&(number, at)| SeenRow { session_id: session(number), last_seen_at_us: TimeUs::from_micros(at) };
        LastSeen { claim_seq, at_us: TimeUs::from_micros(0), seen: rows.iter().map(row).collect() }
    }

    #[test]
    fn a_session_is_written_once_a_minute_with_the_latest() {
        // given tables every 15 s
        let start = Instant::now();
        let mut buffer = SeenBuffer::default();
        let mut written = Vec::new();
        // when ten minutes pass
        for quarter in 0..40_u32 {
            buffer.offer(Partition::new(1), &table(5, &[(1, i64::from(quarter))]));
            written.extend(buffer.take(start + Duration::from_secs(15) * quarter));
        }
        // then it was written at once, and at each full minute
        let at: Vec<_> = written.iter().map(|(_, at)| at.as_micros()).collect();
        assert_eq!(at, [0, 4, 8, 12, 16, 20, 24, 28, 32, 36]);
    }

    #[test]
    fn the_table_of_a_former_owner_is_ignored() {
        let now = Instant::now();
        let mut buffer = SeenBuffer::default();
        buffer.offer(Partition::new(1), &table(9, &[(1, 100)]));
        buffer.offer(Partition::new(1), &table(5, &[(1, 200), (2, 200)]));
        // another partition's claims are its own
        buffer.offer(Partition::new(2), &table(5, &[(3, 300)]));
        let mut written = buffer.take(now);
        written.sort();
        let expected = [(session(1), TimeUs::from_micros(100)), (session(3), TimeUs::from_micros(300))];
        assert_eq!(written, expected);
    }

    #[test]
    fn many_sessions_are_written_in_pieces_without_waiting_in_between() {
        let now = Instant::now();
        let mut buffer = SeenBuffer::default();
        let rows: Vec<_> = (0..2_500).map(|number| (number, 1)).collect();
        buffer.offer(Partition::new(1), &table(1, &rows));
        assert_eq!(buffer.next_write(now), now);
        let sizes: Vec<_> = std::iter::repeat_with(|| buffer.take(now).len()).take(4).collect();
        assert_eq!(sizes, [1_000, 1_000, 500, 0]);
        // and the next after a minute
        buffer.offer(Partition::new(1), &table(1, &rows));
        assert_eq!(buffer.next_write(now), now + WRITE_EVERY);
    }
}
