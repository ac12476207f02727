//! What handlers take out of requests: who asks, the fields of a JSON body, query parameters.

mod caller;
mod fields;
mod params;

pub use caller::{Caller, Signed, check_origin};
pub use fields::{Fields, MaybeFields, TextKind};
pub use params::Params;

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use http::{HeaderMap, header};
use tokio::time::timeout;

use crate::error::{ApiError, Code};

/// Largest body of a request; a factory file may be larger.
pub const BODY_MAX_BYTES: usize = 64 * 1_024;

/// Time for a body of that size: a client on a bad line needs a second. Larger ones have the time of the whole request.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// Reads a body of at most `max` bytes.
///
/// # Errors
/// It is larger, or does not come in time, or the client stopped sending.
pub async fn read_body(headers: &HeaderMap, body: Body, max: usize) -> Result<Bytes, ApiError> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > max as u64) {
        return Err(Code::TooLarge.into());
    }
    let reading = to_bytes(body, max);
    let read = match max {
        ..=BODY_MAX_BYTES => timeout(BODY_WITHIN, reading).await.map_err(|_| Code::RequestTimeout)?,
        _ => reading.await,
    };
    read.map_err(|error| {
        let inner = std::error::Error::source(&error);
        if inner.is_some_and(|inner| inner.is::<http_body_util::LengthLimitError>()) {
            Code::TooLarge.into()
        } else {
            ApiError::payload("the request ended too early")
        }
    })
}
