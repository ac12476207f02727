//! Edits: compare-and-set on the whole directory stream, so whoever writes has seen every earlier edit.

use std::time::Duration;

use andon_nats::{Bus, Expect, HeaderMap, Publish, PublishError, ReadError, directory::DirectoryView};
use bus_schemas::{
    Actor, Extra,
    codec::{self, SCHEMA},
    directory::{Change, Directory, DirectoryEvent},
    subject::{DIRECTORY, HEADER_SCHEMA, STREAM_DIRECTORY},
};
use bytes::Bytes;

use crate::clock::wall_now;

/// Time for one read or publish.
const WITHIN: Duration = Duration::from_secs(3);
/// Others may edit at the same time this often before an edit gives up.
const TRIES: usize = 8;

/// An edit was not made.
#[derive(Debug, thiserror::Error)]
pub enum EditError<E> {
    /// It may not be made; nothing was changed.
    #[error("{0}")]
    Refused(E),
    /// The directory cannot be read or written just now; nothing was changed.
    #[error("the directory cannot be reached: {0}")]
    Unreachable(String),
    /// Others edit all the time; nothing was changed.
    #[error("somebody else edits the directory: try again")]
    Crowded,
    /// It is larger than the server takes; nothing was changed.
    #[error("the change is {bytes} bytes, more than the {limit} the NATS server takes in one message (max_payload)")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// What is taken.
        limit: usize,
    },
    /// Nobody knows whether it was made: look, and try again.
    #[error("no acknowledgement: look whether the change was made, and try again")]
    Unknown,
}

/// Makes the change that `decide` names for the newest directory, or none. Returns the sequence that wrote it, or the
/// directory's when there was nothing to change.
///
/// # Errors
/// See [`EditError`].
pub async fn edit<E>(
    bus: &Bus,
    view: &DirectoryView,
    actor: &Actor,
    mut decide: impl FnMut(&Directory) -> Result<Option<Change>, E>,
) -> Result<u64, EditError<E>> {
    for _ in 0..TRIES {
        let end = newest(bus, view).await?;
        let directory = view.load();
        let Some(change) = decide(&directory).map_err(EditError::Refused)? else { return Ok(directory.seq()) };
        let messages = messages(bus, actor, change, end)?;
        if messages.is_empty() {
            return Ok(directory.seq());
        }
        match bus.publish_batch(&messages, WITHIN).await {
            Ok(ack) => {
                // The editor's next read shows the edit.
                view.reach(ack.seq, WITHIN).await;
                return Ok(ack.seq);
            }
            Err(PublishError::Moved | PublishError::Retry(_)) => {}
            Err(PublishError::Unknown) => {
                if let Some(seq) = was_stored(bus, &messages, end).await? {
                    view.reach(seq, WITHIN).await;
                    return Ok(seq);
                }
            }
            Err(error) => return Err(EditError::Unreachable(error.to_string())),
        }
    }
    Err(EditError::Crowded)
}

/// Brings the view to the stream's end and returns that. The end is read first: an edit stored after it is refused.
async fn newest<E>(bus: &Bus, view: &DirectoryView) -> Result<u64, EditError<E>> {
    let unreachable = |error: ReadError| EditError::Unreachable(error.to_string());
    let end = bus.stream_info(STREAM_DIRECTORY, WITHIN).await.map_err(unreachable)?.last_seq;
    if view.position().seq >= end {
        return Ok(end);
    }
    // The very last messages may be gone (revocations have a time to live): the last one there is counts.
    let last = bus.last_message(STREAM_DIRECTORY, DIRECTORY, WITHIN).await.map_err(unreachable)?;
    let reached = match last {
        Some(last) => view.reach(last.seq.min(end), WITHIN).await,
        None => true,
    };
    if reached { Ok(end) } else { Err(EditError::Unreachable("the view of it lags".to_owned())) }
}

/// One batch, all or nothing, with the condition on its first message.
fn messages<E>(bus: &Bus, actor: &Actor, change: Change, end: u64) -> Result<Vec<Publish>, EditError<E>> {
    let expected = std::iter::once(Expect::LastInStream(end)).chain(std::iter::repeat(Expect::Anything));
    let event = |change| DirectoryEvent { at_us: wall_now(), actor: actor.clone(), change, extra: Extra::new() };
    let events = change.messages().into_iter().map(event);
    events.zip(expected).map(|(event, expect)| message(bus, &event, expect)).collect()
}

fn message<E>(bus: &Bus, event: &DirectoryEvent, expect: Expect) -> Result<Publish, EditError<E>> {
    let subject = event.change.subject();
    let payload = codec::encode(event).map_err(|error| EditError::Unreachable(error.to_string()))?;
    let limit = bus.client().server_info().max_payload;
    // Headers count too; 1 KiB is plenty for ours.
    if payload.len() + 1_024 > limit {
        return Err(EditError::TooLarge { bytes: payload.len(), limit });
    }
    let mut headers = HeaderMap::new();
    headers.insert(HEADER_SCHEMA, SCHEMA);
    Ok(Publish { stream: STREAM_DIRECTORY, subject, headers, payload: Bytes::from(payload), expect })
}

/// After a lost acknowledgement: the message that follows `end` is our first, or ours were not stored before another.
/// Returns the sequence of the last.
async fn was_stored<E>(bus: &Bus, messages: &[Publish], end: u64) -> Result<Option<u64>, EditError<E>> {
    let Some(first) = messages.first() else { return Ok(None) };
    match bus.message(STREAM_DIRECTORY, end + 1, WITHIN).await {
        Ok(Some(stored)) => Ok((stored.payload == first.payload).then_some(end + messages.len() as u64)),
        // It may be on its way still: no second try, or it would be made twice.
        Ok(None) | Err(_) => Err(EditError::Unknown),
    }
}
