//! The fields of a JSON body, read by name with the rules of the contract: null and blank text equal absent, wrong types
//! are `INVALID_PAYLOAD`, numbers out of range are 422, control characters are refused, unknown fields are ignored.

use std::str::FromStr;

use axum::extract::{FromRequest, Request};
use bus_schemas::{CommandId, TimeUs, text};
use http::{HeaderMap, header};
use serde_json::{Map, Value};

use super::{BODY_MAX_BYTES, read_body};
use crate::{
    app::App,
    error::{ApiError, Code},
    records::Time,
};

/// Numbers beyond this are not whole in JSON of most clients.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// What a text may contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextKind {
    /// One line.
    Line,
    /// Lines, for people.
    Note,
}

/// The fields of a JSON object.
#[derive(Clone, Debug, Default)]
pub struct Fields(Map<String, Value>);

impl Fields {
    /// Reads a JSON object.
    ///
    /// # Errors
    /// It is none: no JSON, no UTF-8, too deep, or something else than an object.
    pub fn parse(bytes: &[u8]) -> Result<Self, ApiError> {
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) => Err(ApiError::payload("the body must be a JSON object")),
            // serde_json names no kind for it.
            Err(error) if error.to_string().starts_with("number out of range") => {
                Err(ApiError::new(Code::InvalidQuantity, "a number is out of range"))
            }
            Err(error) => Err(ApiError::payload(format!("the body is not JSON: {error}"))),
        }
    }

    /// Fields that have been read already.
    #[must_use]
    pub const fn of(fields: Map<String, Value>) -> Self {
        Self(fields)
    }

    /// Whether the field is there to say that there is to be nothing: null, or blank text.
    #[must_use]
    pub fn empties(&self, name: &str) -> bool {
        match self.0.get(name) {
            Some(Value::Null) => true,
            Some(Value::String(value)) => text::present(value).is_none(),
            _ => false,
        }
    }

    fn present(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Text, trimmed.
    ///
    /// # Errors
    /// Something else, too long, or with control characters.
    pub fn text(&self, name: &str, max_chars: usize, kind: TextKind) -> Result<Option<String>, ApiError> {
        let Some(value) = self.present(name) else { return Ok(None) };
        let Value::String(value) = value else {
            return Err(ApiError::payload(format!("{name} must be text")));
        };
        let Some(value) = text::present(value) else { return Ok(None) };
        let checked = match kind {
            TextKind::Line => text::check_line(value, max_chars),
            TextKind::Note => text::check_note(value, max_chars),
        };
        checked.map_err(|error| ApiError::payload(format!("{name}: {error}")))?;
        Ok(Some(value.to_owned()))
    }

    /// Text that is not trimmed: a password.
    ///
    /// # Errors
    /// Something else.
    pub fn secret(&self, name: &str) -> Result<Option<String>, ApiError> {
        match self.present(name) {
            None => Ok(None),
            Some(Value::String(value)) if value.is_empty() => Ok(None),
            Some(Value::String(value)) => Ok(Some(value.clone())),
            Some(_) => Err(ApiError::payload(format!("{name} must be text"))),
        }
    }

    /// An id, or another thing that is written as text.
    ///
    /// # Errors
    /// It is none.
    pub fn parsed<T: FromStr>(&self, name: &str) -> Result<Option<T>, ApiError> {
        let Some(value) = self.text(name, 100, TextKind::Line)? else { return Ok(None) };
        value.parse().map(Some).map_err(|_| ApiError::payload(format!("{name} is not well formed")))
    }

    /// A whole number.
    ///
    /// # Errors
    /// Something else than a number; a number that is not whole or beyond 64 bits.
    pub fn whole(&self, name: &str) -> Result<Option<i64>, ApiError> {
        let Some(value) = self.present(name) else { return Ok(None) };
        let Value::Number(number) = value else {
            return Err(ApiError::payload(format!("{name} must be a number")));
        };
        if let Some(whole) = number.as_i64() {
            return Ok(Some(whole));
        }
        // JSON does not tell 1.0 from 1.
        let whole = number.as_f64().filter(|number| number.fract() == 0.0 && number.abs() <= WHOLE_MAX);
        #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53 by the line above")]
        let whole = whole.map(|number| number as i64);
        whole.map(Some).ok_or_else(|| ApiError::new(Code::InvalidQuantity, format!("{name} must be a whole number")))
    }

    /// `true` or `false`.
    ///
    /// # Errors
    /// Something else.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.present(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(_) => Err(ApiError::payload(format!("{name} must be true or false"))),
        }
    }

    /// A list of objects, at most `max` of them.
    ///
    /// # Errors
    /// Something else, or more.
    pub fn list(&self, name: &str, max: usize) -> Result<Option<Vec<Self>>, ApiError> {
        let Some(value) = self.present(name) else { return Ok(None) };
        let Value::Array(values) = value else {
            return Err(ApiError::payload(format!("{name} must be a list")));
        };
        if values.len() > max {
            return Err(ApiError::payload(format!("{name} may have {max} elements at most")));
        }
        let object = |value: &Value| match value {
            Value::Object(fields) => Ok(Self(fields.clone())),
            _ => Err(ApiError::payload(format!("{name} must be a list of objects"))),
        };
        values.iter().map(object).collect::<Result<_, _>>().map(Some)
    }

    /// A list of ids, at most `max` of them.
    ///
    /// # Errors
    /// Something else, or more.
    pub fn ids<T: FromStr>(&self, name: &str, max: usize) -> Result<Option<Vec<T>>, ApiError> {
        let Some(value) = self.present(name) else { return Ok(None) };
        let wrong = || ApiError::payload(format!("{name} must be a list of ids"));
        let Value::Array(values) = value else { return Err(wrong()) };
        if values.len() > max {
            return Err(ApiError::payload(format!("{name} may have {max} elements at most")));
        }
        let id = |value: &Value| value.as_str().and_then(|text| text.parse().ok()).ok_or_else(wrong);
        values.iter().map(id).collect::<Result<_, _>>().map(Some)
    }

    /// The field `commandId`, for clients that cannot set headers.
    ///
    /// # Errors
    /// It is none.
    pub fn command_id(&self) -> Result<Option<CommandId>, ApiError> {
        let Some(value) = self.text("commandId", 1_000, TextKind::Line)? else { return Ok(None) };
        value.parse().map(Some).map_err(|error| ApiError::payload(format!("{error}")))
    }

    /// The field `occurredAt`: when the person pressed.
    ///
    /// # Errors
    /// It is no time.
    pub fn occurred_at(&self) -> Result<Option<TimeUs>, ApiError> {
        let Some(value) = self.text("occurredAt", 100, TextKind::Line)? else { return Ok(None) };
        Time::parse(&value).map(Some).ok_or_else(|| ApiError::payload("occurredAt is not an RFC 3339 time"))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next()).map(str::trim);
    essence.is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"))
}

impl FromRequest<App> for Fields {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &App) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        if !is_json(&parts.headers) {
            return Err(Code::UnsupportedMediaType.into());
        }
        Self::parse(&read_body(&parts.headers, body, BODY_MAX_BYTES).await?)
    }
}

/// The fields of a body that may be left out altogether, and then needs no Content-Type.
#[derive(Clone, Debug, Default)]
pub struct MaybeFields(pub Fields);

impl FromRequest<App> for MaybeFields {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &App) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let bytes = read_body(&parts.headers, body, BODY_MAX_BYTES).await?;
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        if !is_json(&parts.headers) {
            return Err(Code::UnsupportedMediaType.into());
        }
        Fields::parse(&bytes).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn fields(text: &str) -> Fields {
        Fields::parse(text.as_bytes()).unwrap()
    }

    #[rstest]
    #[case::nothing("")]
    #[case::list("[1]")]
    #[case::text("\"x\"")]
    #[case::open("{")]
    #[case::trailing("{} {}")]
    #[case::lone_surrogate("{\"a\": \"\\ud800\"}")]
    fn what_is_no_object_is_refused(#[case] body: &str) {
        assert_eq!(Fields::parse(body.as_bytes()).unwrap_err().code(), Code::InvalidPayload);
    }

    #[test]
    fn bad_bytes_and_depth_are_refused() {
        for body in [b"{\"a\": \"\xff\"}".to_vec(), format!("{{\"a\":{}", "[".repeat(60_000)).into_bytes()] {
            assert_eq!(Fields::parse(&body).unwrap_err().code(), Code::InvalidPayload);
        }
    }

    #[test]
    fn null_and_blank_are_absent() {
        let fields = fields(r#"{"a": null, "b": "  ", "c": " x "}"#);
        for (name, expected) in [("a", None), ("b", None), ("c", Some("x")), ("d", None)] {
            assert_eq!(fields.text(name, 9, TextKind::Line).unwrap().as_deref(), expected);
        }
    }

    #[rstest]
    #[case("5", Ok(5))]
    #[case("-5", Ok(-5))]
    #[case("1e3", Ok(1_000))]
    #[case("2.0", Ok(2))]
    #[case("1.5", Err(Code::InvalidQuantity))]
    #[case("1e30", Err(Code::InvalidQuantity))]
    #[case("99999999999999999999", Err(Code::InvalidQuantity))]
    #[case("\"5\"", Err(Code::InvalidPayload))]
    #[case("true", Err(Code::InvalidPayload))]
    fn whole_numbers_are_whole(#[case] value: &str, #[case] expected: Result<i64, Code>) {
        let read = fields(&format!("{{\"n\": {value}}}")).whole("n");
        assert_eq!(read.map(Option::unwrap_or_default).map_err(|error| error.code()), expected);
    }

    #[test]
    fn a_number_no_machine_holds_is_out_of_range() {
        assert_eq!(Fields::parse(b"{\"n\": 1e999}").unwrap_err().code(), Code::InvalidQuantity);
    }

    #[test]
    fn texts_with_control_characters_or_too_long_are_refused() {
        let fields = fields(r#"{"a": "x\u0000y", "b": "x\ny", "c": "abcdef", "d": 7}"#);
        assert!(fields.text("a", 9, TextKind::Note).is_err());
        assert!(fields.text("b", 9, TextKind::Line).is_err());
        assert!(fields.text("b", 9, TextKind::Note).is_ok());
        assert!(fields.text("c", 5, TextKind::Line).is_err());
        assert!(fields.text("d", 5, TextKind::Line).is_err());
    }
}
