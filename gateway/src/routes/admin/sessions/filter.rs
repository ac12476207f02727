//! Which sessions are asked for: the same questions for active and closed ones, in a list and in a file.

use bus_schemas::{CloseCause, JobId, StationId, TimeUs, WorkerId, text::job_number};
use persistence::HistoryFilter;

use crate::{
    auth::logins::AccountLogin,
    error::{ApiError, Code},
    extract::Params,
    live_view::LiveSession,
};

/// Rows on a page when nobody says how many.
const PAGE: u32 = 50;
/// Rows on a page at most.
pub const PAGE_MAX: u32 = 200;

/// Everything given must hold.
#[derive(Debug)]
pub struct Filter {
    station: Option<StationId>,
    worker: Option<WorkerId>,
    job: Option<JobId>,
    cause: Option<CloseCause>,
    /// Active ones opened, closed ones ended at this time or later.
    pub from: Option<TimeUs>,
    to: Option<TimeUs>,
    /// How many.
    pub limit: u32,
}

impl Filter {
    /// Reads a query.
    ///
    /// # Errors
    /// A parameter is not well formed.
    pub fn read(params: &Params) -> Result<Self, ApiError> {
        let limit: Option<u32> = params.parsed("limit")?;
        Ok(Self {
            station: params.parsed("station")?,
            worker: params.parsed("worker")?,
            job: params.text("job")?.map(job).transpose()?,
            cause: params.text("cause")?.map(cause).transpose()?,
            from: params.time("from")?,
            to: params.time("to")?,
            limit: limit.unwrap_or(PAGE).clamp(1, PAGE_MAX),
        })
    }

    /// Whether an active session is meant.
    #[must_use]
    pub fn takes(&self, live: &LiveSession) -> bool {
        let session = &live.session;
        self.station.is_none_or(|id| id == session.station_id)
            && self.worker.is_none_or(|id| id == session.worker_id)
            && self.job.is_none_or(|id| id == session.job_id)
            && self.cause.is_none()
            && self.from.is_none_or(|from| session.opened_at_us >= from)
            && self.to.is_none_or(|to| session.opened_at_us < to)
    }

    /// The closed ones that this account may see; none: there are no such.
    ///
    /// # Errors
    /// A station is named that the account does not see.
    pub fn of_history(&self, account: &AccountLogin) -> Result<Option<HistoryFilter>, ApiError> {
        let stations = match (self.station, &account.stations) {
            (Some(station), _) if !account.sees(station) => return Err(Code::Forbidden.into()),
            (Some(station), _) => vec![station],
            // None at all would mean every station.
            (None, Some(stations)) if stations.is_empty() => return Ok(None),
            (None, Some(stations)) => stations.to_vec(),
            (None, None) => Vec::new(),
        };
        Ok(Some(HistoryFilter {
            stations,
            worker: self.worker,
            job: self.job,
            cause: self.cause,
            from_us: self.from,
            to_us: self.to,
            cursor: None,
            limit: Some(self.limit),
        }))
    }
}

/// A job by its id or its number.
fn job(text: &str) -> Result<JobId, ApiError> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    job_number(text).map(|number| JobId::of(&number)).map_err(|error| ApiError::payload(format!("job: {error}")))
}

fn cause(text: &str) -> Result<CloseCause, ApiError> {
    let known = CloseCause::ALL.into_iter().find(|cause| cause.as_str() == text);
    known.ok_or_else(|| ApiError::payload("cause is completed, idle, abandoned, replaced or admin"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_named_by_id_or_number() {
        let id = JobId::of("24-1001");
        assert_eq!(job("24-1001").unwrap(), id);
        assert_eq!(job(&id.to_string()).unwrap(), id);
    }

    #[test]
    fn a_cause_is_named_as_in_records() {
        for known in CloseCause::ALL {
            assert_eq!(cause(known.as_str()).unwrap(), known);
        }
        assert!(cause("boredom").is_err());
    }
}
