//! What handlers take out of requests: who asks, the fields of a JSON body, query parameters.

mod caller;
mod fields;
mod params;

pub use caller::{Caller, Signed, check_origin};
pub use fields::{Fields, MaybeFields, TextKind};
pub use params::Params;

use std::time::Duration;

use axum::body::{Body, Bytes};
use bytes::BytesMut;
use http::{HeaderMap, header};
use http_body_util::BodyExt;
use tokio::time::timeout;

use crate::error::{ApiError, Code};

/// Largest body of a request; a factory file may be larger.
pub const BODY_MAX_BYTES: usize = 64 * 1_024;

/// A body larger than allowed is read up to here before it is refused.
const DISCARD_MAX_BYTES: u64 = 16 * 1_024 * 1_024;
/// Time for a body of that size: a client on a bad line needs a second. Larger ones have the time of the whole request.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// Reads a body of at most `max` bytes.
///
/// # Errors
/// It is larger, or does not come in time, or the client stopped sending.
pub async fn read_body(headers: &HeaderMap, body: Body, max: usize) -> Result<Bytes, ApiError> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let announced = announced.unwrap_or(0);
    // Whoever asks before sending is told at once, and so is whoever wants to send without end.
    let waits = headers.contains_key(header::EXPECT);
    if announced > max as u64 && (waits || announced > DISCARD_MAX_BYTES) {
        return Err(Code::TooLarge.into());
    }
    let reading = gather(body, max);
    match max {
        ..=BODY_MAX_BYTES => timeout(BODY_WITHIN, reading).await.map_err(|_| Code::RequestTimeout)?,
        _ => reading.await,
    }
}

/// The bytes of a body. One that is too large is read on and thrown away, within reason: a client that is still sending
/// when the connection is closed never sees the answer.
async fn gather(mut body: Body, max: usize) -> Result<Bytes, ApiError> {
    let (mut bytes, mut count) = (BytesMut::new(), 0_u64);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| ApiError::payload("the request ended too early"))?;
        let Ok(data) = frame.into_data() else { continue };
        count += data.len() as u64;
        if count > DISCARD_MAX_BYTES {
            break;
        }
        if count <= max as u64 {
            bytes.extend_from_slice(&data);
        } else {
            bytes = BytesMut::new();
        }
    }
    if count > max as u64 { Err(Code::TooLarge.into()) } else { Ok(bytes.freeze()) }
}
