//! What handlers take out of requests: who asks, the fields of a JSON body, query parameters.

mod caller;
mod fields;
mod params;

pub use caller::{Caller, Signed, check_origin};
pub use fields::{Fields, MaybeFields, TextKind};
pub use params::Params;

use axum::body::{Body, Bytes, to_bytes};
use http::{HeaderMap, header};

use crate::error::{ApiError, Code};

/// Largest body of a request; a factory file may be larger.
pub const BODY_MAX_BYTES: usize = 64 * 1_024;

/// Reads a body of at most `max` bytes.
///
/// # Errors
/// It is larger, or the client stopped sending.
pub async fn read_body(headers: &HeaderMap, body: Body, max: usize) -> Result<Bytes, ApiError> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > max as u64) {
        return Err(Code::TooLarge.into());
    }
    to_bytes(body, max).await.map_err(|error| {
        let inner = std::error::Error::source(&error);
        if inner.is_some_and(|inner| inner.is::<http_body_util::LengthLimitError>()) {
            Code::TooLarge.into()
        } else {
            ApiError::payload("the request ended too early")
        }
    })
}
