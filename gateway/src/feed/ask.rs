//! What a viewer asks for: the query of `GET /api/admin/feed`, and what it says on its WebSocket.

use std::time::Duration;

use bus_schemas::{StationId, StatusCode, directory::Directory};
use serde::Deserialize;
use url::form_urlencoded;

use super::{
    cursor::{Cursor, NotACursor},
    filter::Filter,
    limits::{FILTER_MAX, POLL_MAX},
    step::Mode,
};

/// The stations and statuses asked for, before an account's own stations are considered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    stations: Vec<StationId>,
    statuses: Vec<StatusCode>,
}

impl Wanted {
    /// Reads ids and codes.
    ///
    /// # Errors
    /// Says what is wrong: not well formed, too many, or a station nobody knows.
    pub fn read<S: AsRef<str>>(stations: &[S], statuses: &[S], directory: &Directory) -> Result<Self, String> {
        if stations.len() > FILTER_MAX || statuses.len() > FILTER_MAX {
            return Err(format!("at most {FILTER_MAX} stations and {FILTER_MAX} statuses"));
        }
        let station = |text: &S| {
            let id: StationId = text.as_ref().parse().map_err(|_| "station is not well formed".to_owned())?;
            directory.station(id).map(|_| id).ok_or_else(|| "unknown station".to_owned())
        };
        let status = |text: &S| text.as_ref().parse::<StatusCode>().map_err(|error| error.to_string());
        Ok(Self {
            stations: stations.iter().map(station).collect::<Result<_, _>>()?,
            statuses: statuses.iter().map(status).collect::<Result<_, _>>()?,
        })
    }

    /// The same for an account that sees only these stations.
    #[must_use]
    pub fn within(&self, scope: Option<&[StationId]>) -> Filter {
        Filter::new(self.stations.clone(), self.statuses.clone(), scope)
    }
}

/// A request to look.
#[derive(Debug)]
pub struct Ask {
    /// Single changes or newest states.
    pub mode: Mode,
    /// What.
    pub wanted: Wanted,
    /// From where.
    pub after: Option<Result<Cursor, NotACursor>>,
    /// For a long-poll: how long.
    pub wait: Option<Duration>,
}

impl Ask {
    /// Reads a query. `last_event_id` is what a browser that comes back by itself sends: newer than the address says.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn read(query: &str, last_event_id: Option<&str>, directory: &Directory) -> Result<Self, String> {
        let (mut stations, mut statuses) = (Vec::new(), Vec::new());
        let (mut mode, mut after, mut wait) = (Mode::Latest, None, None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let Some(value) = bus_schemas::text::present(&value).map(str::to_owned) else { continue };
            match &*name {
                "station" => stations.push(value),
                "status" => statuses.push(value),
                "mode" => {
                    mode = match &*value {
                        "latest" => Mode::Latest,
                        "every" => Mode::Every,
                        _ => return Err("mode is latest or every".to_owned()),
                    }
                }
                "after" => after = Some(value),
                "wait" => wait = Some(value.parse::<u64>().map_err(|_| "wait is a number of seconds".to_owned())?),
                _ => {}
            }
        }
        let after = last_event_id.and_then(bus_schemas::text::present).or(after.as_deref());
        Ok(Self {
            mode,
            wanted: Wanted::read(&stations, &statuses, directory)?,
            after: after.map(str::parse),
            wait: wait.map(|seconds| Duration::from_secs(seconds).min(POLL_MAX)),
        })
    }
}

/// What a client says on its WebSocket.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Said {
    /// It is there.
    Pong {},
    /// Its token was renewed.
    Auth {
        /// The new one.
        token: String,
    },
    /// It wants to see something else.
    Filter {
        /// Which stations; none: all.
        #[serde(default)]
        station: Vec<String>,
        /// Which statuses; none: all.
        #[serde(default)]
        status: Vec<String>,
    },
    /// A worker shows a sign of life.
    Heartbeat {},
    /// A worker's command.
    Command {
        /// Makes it safe to repeat.
        id: String,
        /// Which.
        name: String,
        /// What the route of that command takes.
        #[serde(default)]
        body: serde_json::Map<String, serde_json::Value>,
    },
    /// Of a newer version.
    #[serde(other)]
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_gateway::demo_directory;

    #[test]
    fn a_query_is_read_and_what_is_wrong_with_it_is_said() {
        let directory = demo_directory();
        let mut stations = directory.stations().map(|stored| stored.record.id);
        let (one, other) = (stations.next().unwrap(), stations.next().unwrap());
        let query = format!("station={one}&station={other}&status=fault&mode=every&wait=90&x=1&after=a.5.0");
        let ask = Ask::read(&query, None, &directory).unwrap();
        assert_eq!((ask.mode, ask.wait), (Mode::Every, Some(POLL_MAX)));
        assert_eq!(ask.after.unwrap().unwrap().seq, 5);
        let filter = ask.wanted.within(Some(&[other]));
        let anybody = bus_schemas::WorkerId(uuid::Uuid::nil());
        assert!(filter.sees(other, anybody) && !filter.sees(one, anybody));
        let newer = Ask::read(&query, Some("a.9.0"), &directory).unwrap();
        assert_eq!(newer.after.unwrap().unwrap().seq, 9);
        for (query, why) in [
            ("station=1", "station is not well formed"),
            ("station=0190a5c0-0000-7000-8000-000000000001", "unknown station"),
            ("status=No+status", "is not a status code"),
            ("mode=some", "mode is latest or every"),
            ("wait=long", "wait is a number of seconds"),
        ] {
            let said = Ask::read(query, None, &directory).unwrap_err();
            assert!(said.contains(why), "{query}: {said}");
        }
        assert!(Ask::read(&"status=a&".repeat(FILTER_MAX + 1), None, &directory).is_err());
    }

    #[test]
    fn what_clients_say_is_read() {
        let said = |text: &str| serde_json::from_str::<Said>(text);
        assert!(matches!(said(r#"{"type":"pong"}"#), Ok(Said::Pong {})));
        assert!(matches!(said(r#"{"type":"pong","at":1}"#), Ok(Said::Pong {})));
        assert!(matches!(said(r#"{"type":"auth","token":"t"}"#), Ok(Said::Auth { token }) if token == "t"));
        let filter = said(r#"{"type":"filter","status":["fault"]}"#).unwrap();
        assert!(matches!(filter, Said::Filter { station, status } if station.is_empty() && status == ["fault"]));
        assert!(matches!(said(r#"{"type":"later"}"#), Ok(Said::Unknown)));
        for bad in ["", "1", "[]", "{}", r#"{"type":"auth"}"#, r#"{"type":"filter","station":1}"#] {
            assert!(said(bad).is_err(), "{bad}");
        }
    }
}
