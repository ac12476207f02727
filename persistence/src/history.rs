//! History: sessions that ended, newest first, and one session with everything that happened in it.

mod cursor;
mod detail;
mod list;
mod rows;
mod summary;

pub use cursor::{BadCursor, Cursor};
pub use detail::SessionDetail;
pub use list::{HistoryFilter, PAGE, PAGE_MAX, SessionPage};
pub use rows::{EventRow, QuantityChangeRow, SessionRow, StatusEventRow};
pub use summary::Summary;
