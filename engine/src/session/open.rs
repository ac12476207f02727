//! Open: a worker begins at a station on a job, replacing the active session if there is one.

use bus_schemas::{
    EventKind, Extra, JobId, Refusal, RefusalCode, Ring, Session, SessionStatus, StationId, StatusCode, WorkerState,
    records::{Station, Worker},
    state::Names,
    text,
};

use super::{
    Decision,
    act::Act,
    case::{Case, bad_text, invalid},
    checklist, close,
};

/// Ordinal of the `opened` event after the `closed` event (0) and the interval it appends (1).
const ORDINAL_AFTER_CLOSE: u8 = 2;

/// One event, or two in one batch: `closed`, then `opened` (protocol rule 4).
pub(super) fn decide(case: &Case, station_id: StationId, job_number: &str) -> Result<Decision, Refusal> {
    let normal = text::job_number(job_number).map_err(bad_text("job number"))?;
    if normal != job_number {
        return Err(invalid("job number: it must be trimmed and in Unicode NFC"));
    }
    let (worker, station) = admitted(case, station_id)?;
    let act = case.act();
    let closed = case.state.filter(|state| state.session.is_active()).map(|state| close::replaced(&act, state));
    let last = closed.as_ref().map(|event| &event.state).or(case.state);
    let ordinal = if closed.is_some() { ORDINAL_AFTER_CLOSE } else { 0 };

    let state = WorkerState {
        session: session(case, &act, ordinal, worker, station, job_number),
        previous: last.map(|state| Box::new(state.session.clone())),
        ring: last.map_or_else(Ring::default, |state| state.ring.clone()),
        extra: last.map_or_else(Extra::new, |state| state.extra.clone()),
    };
    let kind = EventKind::Opened { replaces: closed.as_ref().map(|event| event.session_id) };
    let opened = act.accept(ordinal, kind, state, Vec::new());
    Ok(Decision::Publish(closed.into_iter().chain([opened]).collect()))
}

/// The worker and the station, if the one may work at the other.
fn admitted<'a>(case: &Case<'a>, station_id: StationId) -> Result<(&'a Worker, &'a Station), Refusal> {
    let directory = case.context.directory;
    let worker = &directory
        .worker(case.command.worker_id)
        .ok_or_else(|| Refusal::new(RefusalCode::NotFound, "there is no such worker"))?
        .record;
    if !worker.is_active {
        return Err(Refusal::new(RefusalCode::WorkerInactive, "the worker is not active"));
    }
    let station = &directory
        .station(station_id)
        .ok_or_else(|| Refusal::new(RefusalCode::NotFound, "there is no such station"))?
        .record;
    if !station.is_active {
        return Err(Refusal::new(RefusalCode::StationInactive, "the station is not active"));
    }
    if !worker.assignments.iter().any(|assignment| assignment.station_id == station_id) {
        return Err(Refusal::new(RefusalCode::StationNotAssigned, "the station is not assigned to the worker"));
    }
    Ok((worker, station))
}

/// The session at its opening: a list without items is no gate, and without a start gate work begins at once.
fn session(case: &Case, act: &Act, ordinal: u8, worker: &Worker, station: &Station, job_number: &str) -> Session {
    let started = station.start_checklist.is_empty();
    let stopped = started.then(StatusCode::stopped);
    Session {
        id: act.session_id(),
        version: 1,
        worker_id: case.command.worker_id,
        station_id: station.id,
        job_id: JobId::of(job_number),
        names: names(case, worker, station, job_number),
        status: SessionStatus::Active,
        start_checklist_completed: started,
        end_checklist_completed: station.end_checklist.is_empty(),
        required_start: checklist::required(&station.start_checklist),
        required_end: checklist::required(&station.end_checklist),
        opened_at_us: act.at,
        started_at_us: act.at,
        ended_at_us: None,
        effective_end_at_us: None,
        forced_closed_at_us: None,
        closed_cause: None,
        last_status_change_at_us: started.then_some(act.at),
        last_working_status: None,
        total_good: 0,
        total_scrap: 0,
        open: stopped.clone().map(|status| act.interval(ordinal, status)),
        current_status: stopped,
        last_proof_at_us: act.at,
        updated_at_us: act.at,
        extra: Extra::new(),
    }
}

/// The names as they are now: renaming somebody later never rewrites history.
fn names(case: &Case, worker: &Worker, station: &Station, job_number: &str) -> Names {
    let job = case.context.directory.job(JobId::of(job_number)).map(|stored| &stored.record);
    Names {
        worker: worker.full_name.clone(),
        station_code: station.code.clone(),
        station: station.name.clone(),
        station_type: station.station_type.as_str().into(),
        job_number: job_number.into(),
        customer: job.and_then(|job| job.customer_name.clone()),
        planned_quantity: job.and_then(|job| job.planned_quantity),
        extra: Extra::new(),
    }
}
