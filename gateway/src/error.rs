//! Errors as clients see them: the codes of the HTTP contract, their texts, and the only place that knows HTTP statuses.

use std::{borrow::Cow, time::Duration};

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use bus_schemas::{Refusal, RefusalCode};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::{Value, json};

use crate::records::SessionRecord;

macro_rules! codes {
    ($($name:ident $status:ident $code:literal $message:literal)+) => {
        /// Why a request was not served. The text is the contract.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the message beside each says what it means")]
        pub enum Code { $($name),+ }

        impl Code {
            /// Every code, for tables and tests.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The code as clients read it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }

            /// What a person is told when nothing better is known.
            const fn message(self) -> &'static str {
                match self { $(Self::$name => $message),+ }
            }

            /// The HTTP status.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status),+ }
            }
        }
    };
}

codes! {
    InvalidPayload BAD_REQUEST "INVALID_PAYLOAD" "the request is not well formed"
    WorkerCodeRequired BAD_REQUEST "WORKER_CODE_REQUIRED" "a worker code is needed"
    WorkerIdRequired BAD_REQUEST "WORKER_ID_REQUIRED" "a worker id is needed"
    SessionIdRequired BAD_REQUEST "SESSION_ID_REQUIRED" "a session id is needed"
    MissingParams BAD_REQUEST "MISSING_PARAMS" "stationId and kind (start or end) are needed"
    MissingFields BAD_REQUEST "MISSING_FIELDS" "workerId, stationId and jobNumber are needed"
    InvalidReason BAD_REQUEST "INVALID_REASON" "the reason is worker_choice or expired"
    LoginRequired UNAUTHORIZED "LOGIN_REQUIRED" "sign in first"
    Forbidden FORBIDDEN "FORBIDDEN" "this login may not do that"
    OriginRefused FORBIDDEN "ORIGIN_REFUSED" "requests from this page are not accepted: see ANDON_PUBLIC_URL and ANDON_ALLOWED_ORIGINS"
    StationNotAssigned FORBIDDEN "STATION_NOT_ASSIGNED" "the station is not assigned to the worker"
    StationInactive FORBIDDEN "STATION_INACTIVE" "the station is not active"
    WorkerInactive FORBIDDEN "WORKER_INACTIVE" "the worker is not active"
    DeviceNotEnrolled FORBIDDEN "DEVICE_NOT_ENROLLED" "workers sign in on enrolled devices only: an admin enrols this one"
    NotFound NOT_FOUND "NOT_FOUND" "there is no such thing"
    MethodNotAllowed METHOD_NOT_ALLOWED "METHOD_NOT_ALLOWED" "the route does not know this method"
    RequestTimeout REQUEST_TIMEOUT "REQUEST_TIMEOUT" "the request took too long"
    SessionClosed CONFLICT "SESSION_CLOSED" "the session is closed"
    StartChecklistRequired CONFLICT "START_CHECKLIST_REQUIRED" "the start checklist comes first"
    EndChecklistRequired CONFLICT "END_CHECKLIST_REQUIRED" "the end checklist comes first"
    SessionStillLive CONFLICT "SESSION_STILL_LIVE" "the session is still live"
    AccountExists CONFLICT "ACCOUNT_EXISTS" "there is an account of this name already"
    LastAdmin CONFLICT "LAST_ADMIN" "this is the last active admin: make another account an admin first"
    RecordChanged PRECONDITION_FAILED "RECORD_CHANGED" "somebody else changed the record: read it again"
    TooLarge PAYLOAD_TOO_LARGE "TOO_LARGE" "the request is too large"
    UnsupportedMediaType UNSUPPORTED_MEDIA_TYPE "UNSUPPORTED_MEDIA_TYPE" "send Content-Type: application/json"
    ChecklistIncomplete UNPROCESSABLE_ENTITY "CHECKLIST_INCOMPLETE" "required items are not answered"
    StationMismatch UNPROCESSABLE_ENTITY "STATION_MISMATCH" "the session is at another station"
    UnknownStatus UNPROCESSABLE_ENTITY "UNKNOWN_STATUS" "there is no such status here"
    UnknownReason UNPROCESSABLE_ENTITY "UNKNOWN_REASON" "there is no such reason"
    ReasonRequired UNPROCESSABLE_ENTITY "REASON_REQUIRED" "the status needs a reason"
    InvalidQuantity UNPROCESSABLE_ENTITY "INVALID_QUANTITY" "quantities are whole numbers from 0 to 1000000000"
    IdempotencyKeyReused UNPROCESSABLE_ENTITY "IDEMPOTENCY_KEY_REUSED" "the command id was used for another command"
    InvalidDirectory UNPROCESSABLE_ENTITY "INVALID_DIRECTORY" "the directory would not be consistent"
    PreconditionRequired PRECONDITION_REQUIRED "PRECONDITION_REQUIRED" "send If-Match with the record's sequence, 0 to create it"
    TooManyRequests TOO_MANY_REQUESTS "TOO_MANY_REQUESTS" "too many requests"
    TooManyAttempts TOO_MANY_REQUESTS "TOO_MANY_ATTEMPTS" "too many failed attempts: wait a little"
    Internal INTERNAL_SERVER_ERROR "INTERNAL" "something went wrong"
    NoOwner SERVICE_UNAVAILABLE "NO_OWNER" "nobody serves this worker's sessions just now: try again"
    OutcomeUnknown SERVICE_UNAVAILABLE "OUTCOME_UNKNOWN" "whether it was stored is not known: send it again with the same command id"
    HistoryUnavailable SERVICE_UNAVAILABLE "HISTORY_UNAVAILABLE" "history cannot be read just now"
    AccountsUnavailable SERVICE_UNAVAILABLE "ACCOUNTS_UNAVAILABLE" "accounts cannot be read just now"
    LogFull SERVICE_UNAVAILABLE "LOG_FULL" "the log is full"
    Busy SERVICE_UNAVAILABLE "BUSY" "too much to do just now: try again"
    NotReady SERVICE_UNAVAILABLE "NOT_READY" "not everything is there yet"
}

/// Nothing to say, and all is well.
pub(crate) const NO_CONTENT: StatusCode = StatusCode::NO_CONTENT;
/// What completes the handshake of a WebSocket.
pub(crate) const SWITCHING_PROTOCOLS: StatusCode = StatusCode::SWITCHING_PROTOCOLS;

/// What was asked for is what the client has.
pub(crate) const NOT_MODIFIED: StatusCode = StatusCode::NOT_MODIFIED;

/// How long a client should wait after a 503 or 429 that says nothing better, in seconds.
const RETRY_AFTER_DEFAULT: Duration = Duration::from_secs(1);

/// An error answer: `{"error", "message", "details"?}`.
#[derive(Clone, Debug)]
pub struct ApiError {
    code: Code,
    message: Cow<'static, str>,
    details: Option<Value>,
    retry_after: Option<Duration>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Error)]
pub(crate) struct ErrorBody<'a> {
    /// The code: the contract.
    error: &'a str,
    /// For a person.
    message: &'a str,
    /// What helps to go on; its shape depends on the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    details: Option<&'a Value>,
}

impl ApiError {
    /// An error with a text of its own.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), details: None, retry_after: None }
    }

    /// A payload that is not well formed, saying what is wrong with it.
    pub fn payload(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::InvalidPayload, message)
    }

    /// Adds what helps to go on.
    #[must_use]
    pub fn with_details(mut self, details: Value) -> Self {
        self.details = Some(details);
        self
    }

    /// Says when to try again.
    #[must_use]
    pub const fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// An error of ours: nothing but the name of its trace.
    #[must_use]
    pub fn internal(trace_id: &str) -> Self {
        Self::from(Code::Internal).with_details(json!({ "trace_id": trace_id }))
    }

    /// Its code.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The body of its answer.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let body = ErrorBody { error: self.code.as_str(), message: &self.message, details: self.details.as_ref() };
        let mut json = json!(body);
        if let Some(seconds) = self.retry_seconds() {
            json["retry_after_s"] = json!(seconds);
        }
        json
    }

    /// Its text for a person.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    fn retry_seconds(&self) -> Option<u64> {
        let asked = self.retry_after.map(|wait| wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
        match self.code.status() {
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                Some(asked.unwrap_or(RETRY_AFTER_DEFAULT.as_secs()).max(1))
            }
            _ => None,
        }
    }
}

impl From<Code> for ApiError {
    fn from(code: Code) -> Self {
        Self::new(code, code.message())
    }
}

impl From<RefusalCode> for Code {
    fn from(code: RefusalCode) -> Self {
        match code {
            RefusalCode::SessionClosed => Self::SessionClosed,
            RefusalCode::NotFound => Self::NotFound,
            RefusalCode::StationNotAssigned => Self::StationNotAssigned,
            RefusalCode::StationInactive => Self::StationInactive,
            RefusalCode::WorkerInactive => Self::WorkerInactive,
            RefusalCode::StartChecklistRequired => Self::StartChecklistRequired,
            RefusalCode::EndChecklistRequired => Self::EndChecklistRequired,
            RefusalCode::ChecklistIncomplete => Self::ChecklistIncomplete,
            RefusalCode::StationMismatch => Self::StationMismatch,
            RefusalCode::UnknownStatus => Self::UnknownStatus,
            RefusalCode::UnknownReason => Self::UnknownReason,
            RefusalCode::ReasonRequired => Self::ReasonRequired,
            RefusalCode::InvalidQuantity => Self::InvalidQuantity,
            RefusalCode::SessionStillLive => Self::SessionStillLive,
            RefusalCode::IdempotencyKeyReused => Self::IdempotencyKeyReused,
            RefusalCode::InvalidPayload => Self::InvalidPayload,
        }
    }
}

/// The owner's refusal, with the session, the missing items and the deadline when it names them.
impl From<&Refusal> for ApiError {
    fn from(refusal: &Refusal) -> Self {
        let mut details = serde_json::Map::new();
        if let Some(session) = &refusal.session {
            details.insert("session".into(), json!(SessionRecord::of(session, None)));
        }
        if !refusal.missing.is_empty() {
            details.insert("missing".into(), json!(refusal.missing));
        }
        if let Some(deadline) = refusal.grace_expires_at_us {
            details.insert("grace_expires_at".into(), json!(crate::records::Time(deadline)));
        }
        let error = Self::new(Code::from(refusal.code), refusal.message.to_string());
        if details.is_empty() { error } else { error.with_details(Value::Object(details)) }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = ErrorBody { error: self.code.as_str(), message: &self.message, details: self.details.as_ref() };
        let mut response = (self.code.status(), Json(body)).into_response();
        if let Some(seconds) = self.retry_seconds() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.code == Code::RequestTimeout {
            // What is left of the request would be taken for the next one, and is not worth waiting for.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response.extensions_mut().insert(self.code);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_of_the_owner_keeps_its_name() {
        for code in RefusalCode::ALL {
            assert_eq!(Code::from(code).as_str(), code.as_str());
        }
    }

    #[test]
    fn temporary_errors_say_when_to_try_again_and_others_do_not() {
        for code in Code::ALL {
            let response = ApiError::from(*code).into_response();
            let temporary = matches!(response.status().as_u16(), 429 | 503);
            assert_eq!(response.headers().contains_key(header::RETRY_AFTER), temporary, "{code:?}");
            assert!(response.status().is_client_error() || response.status().is_server_error(), "{code:?}");
        }
    }

    #[test]
    fn a_wait_is_rounded_up_to_whole_seconds() {
        let response = ApiError::from(Code::TooManyAttempts).retry_after(Duration::from_millis(1_200)).into_response();
        assert_eq!(response.headers()[header::RETRY_AFTER], "2");
    }

    #[test]
    fn a_code_is_named_once() {
        let mut names: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Code::ALL.len());
    }
}
