//! Whether a stream is still the one that the tables were made from. A log that went backwards would otherwise reuse
//! sequences, and its new messages would be skipped as known, in silence.

use std::time::Duration;

use andon_nats::{Bus, ReadError, StoredMessage, StreamFacts};
use bus_schemas::{TimeUs, subject::STREAM_LOG};

use crate::checkpoint::{self, Checkpoint};

/// Time for one question to the stream's leader.
const READ_WITHIN: Duration = Duration::from_secs(3);

/// Why a stream is not projected any further. A person has to look at it; `migrations/README.md` says what then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It was created at another time.
    #[error(
        "stream {stream} is another one than the tables were made from: it was created at {found:?}, theirs at \
         {known:?}. Restore the stream, or point Andon at the database that belongs to it"
    )]
    AnotherStream {
        /// Which.
        stream: &'static str,
        /// Creation of the stream the tables were made from.
        known: TimeUs,
        /// Creation of this stream.
        found: TimeUs,
    },
    /// It ends before the checkpoint.
    #[error(
        "stream {stream} went backwards: it ends at {last_seq}, and {checkpoint} is in the tables already. Its storage \
         was damaged or an older backup restored: events that were acknowledged are lost"
    )]
    Shorter {
        /// Which.
        stream: &'static str,
        /// Sequence in the tables.
        checkpoint: u64,
        /// Where it ends.
        last_seq: u64,
    },
    /// It begins after the message that is needed next.
    #[error(
        "stream {stream} begins at {first_seq}, and the tables end at {checkpoint}: the messages between are gone. \
         Restore a newer backup of the database, or accept the gap"
    )]
    Gap {
        /// Which.
        stream: &'static str,
        /// Sequence in the tables.
        checkpoint: u64,
        /// Where it begins.
        first_seq: u64,
    },
    /// Another message stands where the checkpoint is.
    #[error(
        "stream {stream} holds another message at {seq} than the one in the tables: it went backwards and was \
         written on"
    )]
    OtherMessage {
        /// Which.
        stream: &'static str,
        /// Where.
        seq: u64,
    },
    /// Messages are missing in its middle.
    #[error("stream {stream} has holes: {deleted} messages are missing in its middle ({accepted} were accepted)")]
    Holes {
        /// Which.
        stream: &'static str,
        /// How many are missing.
        deleted: u64,
        /// How many a person has accepted.
        accepted: u64,
    },
    /// The server itself says that it lost some.
    #[error("stream {stream} has lost {messages} messages, {bytes} bytes, as the server says ({accepted} accepted)")]
    Lost {
        /// Which.
        stream: &'static str,
        /// How many messages.
        messages: u64,
        /// How many bytes.
        bytes: u64,
        /// How many bytes a person has accepted.
        accepted: u64,
    },
}

/// Whether a stream could be proven.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// It is not to be trusted.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It could not be asked.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Asks the stream's leader and compares with the checkpoint.
///
/// # Errors
/// The stream is refused, or does not answer.
pub async fn prove(bus: &Bus, checkpoint: &Checkpoint) -> Result<StreamFacts, ProofError> {
    let facts = bus.stream_info(checkpoint.stream, READ_WITHIN).await?;
    check(&facts, checkpoint)?;
    if checkpoint.seq > 0 {
        let message = bus.message(checkpoint.stream, checkpoint.seq, READ_WITHIN).await?;
        check_message(message.as_ref(), checkpoint)?;
    }
    Ok(facts)
}

/// Asks the stream about itself, before there is a checkpoint.
///
/// # Errors
/// It does not answer.
pub async fn created(bus: &Bus, stream: &'static str) -> Result<TimeUs, ReadError> {
    Ok(bus.stream_info(stream, READ_WITHIN).await?.created_us)
}

/// Compares what the stream says of itself.
///
/// # Errors
/// The stream is refused.
pub fn check(facts: &StreamFacts, checkpoint: &Checkpoint) -> Result<(), Refusal> {
    let stream = checkpoint.stream;
    if facts.created_us != checkpoint.stream_created_us {
        return Err(Refusal::AnotherStream { stream, known: checkpoint.stream_created_us, found: facts.created_us });
    }
    if facts.last_seq < checkpoint.seq {
        return Err(Refusal::Shorter { stream, checkpoint: checkpoint.seq, last_seq: facts.last_seq });
    }
    let accepted = checkpoint.accepted_lost_bytes;
    if facts.lost_bytes > accepted || (facts.lost_messages > 0 && accepted == 0) {
        return Err(Refusal::Lost { stream, messages: facts.lost_messages, bytes: facts.lost_bytes, accepted });
    }
    if stream == STREAM_LOG { check_whole(facts, checkpoint) } else { Ok(()) }
}

/// Only of the log: in the directory revocations expire, and erasing a person purges older versions.
fn check_whole(facts: &StreamFacts, checkpoint: &Checkpoint) -> Result<(), Refusal> {
    let stream = checkpoint.stream;
    if facts.num_deleted > checkpoint.accepted_deleted {
        return Err(Refusal::Holes { stream, deleted: facts.num_deleted, accepted: checkpoint.accepted_deleted });
    }
    if facts.first_seq > checkpoint.seq + 1 {
        return Err(Refusal::Gap { stream, checkpoint: checkpoint.seq, first_seq: facts.first_seq });
    }
    Ok(())
}

/// Compares the message at the checkpoint, if it is still there.
///
/// # Errors
/// It is another one.
pub fn check_message(found: Option<&StoredMessage>, checkpoint: &Checkpoint) -> Result<(), Refusal> {
    match (found, checkpoint.hash) {
        (Some(message), Some(known)) if checkpoint::hash(message) != known => {
            Err(Refusal::OtherMessage { stream: checkpoint.stream, seq: checkpoint.seq })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use andon_nats::HeaderMap;
    use bus_schemas::subject::STREAM_DIRECTORY;

    use super::*;

    const CREATED: TimeUs = TimeUs::from_micros(1_700_000_000_000_001);

    fn facts() -> StreamFacts {
        StreamFacts {
            created_us: CREATED,
            first_seq: 101,
            last_seq: 900,
            messages: 800,
            bytes: 1,
            max_bytes: None,
            num_deleted: 0,
            lost_messages: 0,
            lost_bytes: 0,
            server_now_us: CREATED,
            config: serde_json::Value::Null,
        }
    }

    fn checkpoint() -> Checkpoint {
        Checkpoint {
            seq: 900,
            hash: Some(checkpoint::hash(&message("kept"))),
            ..Checkpoint::start(STREAM_LOG, CREATED)
        }
    }

    fn message(payload: &'static str) -> StoredMessage {
        StoredMessage {
            subject: bus_schemas::subject::claim(bus_schemas::Partition::new(7)),
            seq: 900,
            time_us: CREATED,
            headers: HeaderMap::new(),
            payload: payload.into(),
        }
    }

    #[test]
    fn the_same_log_is_trusted_at_its_end_and_where_retention_has_cut() {
        assert_eq!(check(&facts(), &checkpoint()), Ok(()));
        assert_eq!(check(&facts(), &Checkpoint { seq: 100, ..checkpoint() }), Ok(()));
        let emptied = StreamFacts { first_seq: 901, messages: 0, ..facts() };
        assert_eq!(check(&emptied, &checkpoint()), Ok(()));
        let new = StreamFacts { first_seq: 0, last_seq: 0, messages: 0, ..facts() };
        assert_eq!(check(&new, &Checkpoint::start(STREAM_LOG, CREATED)), Ok(()));
    }

    #[test]
    fn each_way_of_being_another_log_is_refused_by_its_name() {
        let refused = |facts: StreamFacts, checkpoint: Checkpoint| check(&facts, &checkpoint).unwrap_err();
        let elsewhere = StreamFacts { created_us: TimeUs::from_micros(1), ..facts() };
        assert!(matches!(refused(elsewhere, checkpoint()), Refusal::AnotherStream { .. }));
        let shorter = StreamFacts { last_seq: 899, ..facts() };
        assert!(matches!(refused(shorter, checkpoint()), Refusal::Shorter { checkpoint: 900, last_seq: 899, .. }));
        let holes = StreamFacts { num_deleted: 1, ..facts() };
        assert!(matches!(refused(holes, checkpoint()), Refusal::Holes { deleted: 1, .. }));
        let lost = StreamFacts { lost_bytes: 1, ..facts() };
        assert!(matches!(refused(lost, checkpoint()), Refusal::Lost { bytes: 1, .. }));
        let lost = StreamFacts { lost_messages: 1, ..facts() };
        assert!(matches!(refused(lost, checkpoint()), Refusal::Lost { messages: 1, .. }));
        let behind = Checkpoint { seq: 99, ..checkpoint() };
        assert!(matches!(refused(facts(), behind), Refusal::Gap { checkpoint: 99, first_seq: 101, .. }));
        let never_read = Checkpoint::start(STREAM_LOG, CREATED);
        assert!(matches!(refused(facts(), never_read), Refusal::Gap { checkpoint: 0, .. }));
    }

    #[test]
    fn damage_a_person_has_accepted_is_accepted_and_no_more_than_that() {
        let accepting = Checkpoint { accepted_deleted: 5, accepted_lost_bytes: 70, ..checkpoint() };
        let damaged = StreamFacts { num_deleted: 5, lost_bytes: 70, lost_messages: 5, ..facts() };
        assert_eq!(check(&damaged, &accepting), Ok(()));
        assert!(check(&StreamFacts { num_deleted: 6, ..damaged.clone() }, &accepting).is_err());
        assert!(check(&StreamFacts { lost_bytes: 71, ..damaged }, &accepting).is_err());
    }

    #[test]
    fn single_messages_may_leave_the_directory() {
        let checkpoint = Checkpoint { stream: STREAM_DIRECTORY, ..checkpoint() };
        assert_eq!(check(&StreamFacts { num_deleted: 9, ..facts() }, &checkpoint), Ok(()));
        assert!(check(&StreamFacts { last_seq: 1, ..facts() }, &checkpoint).is_err());
    }

    #[test]
    fn another_message_at_the_checkpoint_is_refused_and_none_is_not() {
        assert_eq!(check_message(Some(&message("kept")), &checkpoint()), Ok(()));
        assert_eq!(check_message(None, &checkpoint()), Ok(()));
        assert_eq!(
            check_message(Some(&message("other")), &checkpoint()),
            Err(Refusal::OtherMessage { stream: STREAM_LOG, seq: 900 })
        );
    }
}
