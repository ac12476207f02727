//! Limits of what people and clients may send, each with its reason. The HTTP body, frame and time limits are the
//! gateway's.

/// Characters of a note: two screens of a phone; keeps an event far below the server's `max_payload`.
pub const NOTE_MAX_CHARS: usize = 2_000;
/// Characters of a job number: the longest seen in ERP exports is 40.
pub const JOB_NUMBER_MAX_CHARS: usize = 64;
/// Characters of a name or label.
pub const NAME_MAX_CHARS: usize = 200;
/// Characters of an image address.
pub const IMAGE_URL_MAX_CHARS: usize = 2_000;
/// Characters of a checklist item id.
pub const ITEM_ID_MAX_CHARS: usize = 64;
/// Items in one checklist: nobody answers more, and each event of an unstarted session carries the required ones.
pub const CHECKLIST_MAX_ITEMS: usize = 100;
/// Answers accepted in one checklist command; unknown items are ignored, but not without end.
pub const ANSWERS_MAX: usize = 200;
/// Characters of one checklist text answer.
pub const ANSWER_MAX_CHARS: usize = 2_000;
/// Largest total of good or scrap pieces in a session.
pub const QUANTITY_MAX: i64 = 1_000_000_000;
/// Characters of a command id.
pub const COMMAND_ID_MAX_CHARS: usize = 64;
/// Characters of a worker code.
pub const WORKER_CODE_MAX_CHARS: usize = 64;
/// Accepted command ids that a worker's state remembers (protocol rule 5): a client may have this many unanswered
/// commands in its queue and still repeat all of them safely.
pub const RING_CAPACITY: usize = 32;
/// Partitions that workers are dealt to. Fixed for the life of a log: the subject of a worker contains it.
pub const PARTITIONS: u16 = 256;
/// Time an attempt of a command may be decided after it was sent, in log time (protocol rule 7).
pub const ATTEMPT_EXPIRY: std::time::Duration = std::time::Duration::from_secs(1);
/// Added to an expiry before the attempt counts as ended: twice the log-time error a ready node may have (rule 8).
pub const EXPIRY_MARGIN: std::time::Duration = std::time::Duration::from_millis(500);
/// The largest error of log time with which a node is ready (protocol rule 8).
pub const LOG_TIME_ERROR_MAX: std::time::Duration = std::time::Duration::from_millis(250);
/// An `expired` abandon that comes more than this before the deadline is refused; less early, the gateway waits.
pub const EXPIRED_EARLY_MAX: std::time::Duration = std::time::Duration::from_secs(5);
/// A deadline is due this long after its time: three heartbeat batches, one of which may still carry a beat that was
/// answered `ok` in time (protocol rule 11).
pub const BEAT_ALLOWANCE: std::time::Duration = std::time::Duration::from_millis(300);
