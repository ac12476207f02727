//! Query parameters.

use std::{collections::HashMap, str::FromStr};

use axum::extract::FromRequestParts;
use bus_schemas::TimeUs;
use http::request;
use url::form_urlencoded;

use crate::{app::App, error::ApiError, records::Time};

/// Longest value that is looked at.
const VALUE_MAX_CHARS: usize = 1_000;

/// The parameters of a query: the first of each name, trimmed; blank ones are absent.
#[derive(Clone, Debug, Default)]
pub struct Params(HashMap<String, String>);

impl Params {
    /// Reads a query.
    #[must_use]
    pub fn of(query: &str) -> Self {
        let mut params = HashMap::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if let Some(value) = bus_schemas::text::present(&value) {
                params.entry(name.into_owned()).or_insert_with(|| value.to_owned());
            }
        }
        Self(params)
    }

    /// A parameter.
    ///
    /// # Errors
    /// It is absurdly long or has control characters.
    pub fn text(&self, name: &str) -> Result<Option<&str>, ApiError> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        match bus_schemas::text::check_line(value, VALUE_MAX_CHARS) {
            Ok(()) => Ok(Some(value)),
            Err(error) => Err(ApiError::payload(format!("{name}: {error}"))),
        }
    }

    /// A parameter that is an id or a number.
    ///
    /// # Errors
    /// It is none.
    pub fn parsed<T: FromStr>(&self, name: &str) -> Result<Option<T>, ApiError> {
        let Some(value) = self.text(name)? else { return Ok(None) };
        value.parse().map(Some).map_err(|_| ApiError::payload(format!("{name} is not well formed")))
    }

    /// A parameter that is a time.
    ///
    /// # Errors
    /// It is none.
    pub fn time(&self, name: &str) -> Result<Option<TimeUs>, ApiError> {
        let Some(value) = self.text(name)? else { return Ok(None) };
        Time::parse(value).map(Some).ok_or_else(|| ApiError::payload(format!("{name} is not an RFC 3339 time")))
    }
}

impl FromRequestParts<App> for Params {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut request::Parts, _: &App) -> Result<Self, ApiError> {
        Ok(parts.uri.query().map(Self::of).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::Code;

    #[test]
    fn the_first_of_a_name_counts_and_blank_is_absent() {
        let params = Params::of("a=1&a=2&b=%20&c=x%20y&from=2026-09-01T11%3A00%3A00Z");
        assert_eq!(params.text("a").unwrap(), Some("1"));
        assert_eq!(params.text("b").unwrap(), None);
        assert_eq!(params.text("c").unwrap(), Some("x y"));
        assert!(params.time("from").unwrap().is_some());
        assert_eq!(params.parsed::<u32>("c").unwrap_err().code(), Code::InvalidPayload);
    }

    proptest! {
        #[test]
        fn no_query_makes_it_panic(query in "\\PC{0,60}|[%&=a-f0-9]{0,60}") {
            let params = Params::of(&query);
            let _ = params.parsed::<uuid::Uuid>("a");
            let _ = params.time("a");
        }
    }
}
