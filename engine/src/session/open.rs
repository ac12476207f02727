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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bus_schemas::{CloseCause, SessionEvent, records::Station as StationRecord};

    use super::*;
    use crate::session::fixture::*;

    #[test]
    fn a_session_at_a_station_with_a_start_list_waits_for_it() {
        let mut floor = Floor::new();
        let event = floor.stored(open(PRESS, "4711"));
        let session = floor.session();
        assert_eq!(event.kind, EventKind::Opened { replaces: None });
        assert_eq!((session.version, session.status), (1, SessionStatus::Active));
        assert_eq!((session.start_checklist_completed, session.end_checklist_completed), (false, false));
        assert_eq!((&session.current_status, &session.open, session.last_status_change_at_us), (&None, &None, None));
        assert_eq!((session.opened_at_us, session.started_at_us, session.last_proof_at_us), (START, START, START));
        assert_eq!(*session.required_start, ["paper".into(), "oil".into()]);
        assert_eq!(*session.required_end, ["clean".into()]);
    }

    #[test]
    fn a_session_at_a_station_without_lists_starts_when_it_opens() {
        let mut floor = Floor::new();
        let event = floor.stored(open(BENCH, "4711"));
        let session = floor.session();
        assert_eq!((session.start_checklist_completed, session.end_checklist_completed), (true, true));
        let running = session.open.as_ref().unwrap();
        assert_eq!((running.id, running.started_at_us, running.ended_at_us), (event.event_id, START, None));
        assert_eq!(running.status, StatusCode::stopped());
        assert_eq!(session.current_status, Some(StatusCode::stopped()));
    }

    #[test]
    fn names_are_those_of_the_opening_whatever_is_renamed_later() {
        let (mut floor, id) = Floor::working();
        floor.put(bus_schemas::directory::Record::Station(StationRecord { name: "new".into(), ..press() }));
        floor.stored(status(id, "production"));
        let names = &floor.session().names;
        assert_eq!((&*names.worker, &*names.station_code, &*names.station), ("Dana", "PRESS", "press"));
        assert_eq!((&*names.job_number, names.customer.as_deref()), ("4711", Some("Acme")));
        assert_eq!((&*names.station_type, names.planned_quantity), ("offset", Some(500)));
        assert_eq!(floor.session().job_id, JobId::of("4711"));
    }

    #[test]
    fn whoever_may_not_work_there_is_refused_by_the_first_thing_in_the_way() {
        use bus_schemas::directory::Record;
        let nowhere = StationId(uuid::Uuid::from_u128(404));
        let retired = || Record::Station(StationRecord { is_active: false, ..station(FOREIGN, "foreign", &[], &[]) });
        for (edit, station, expected) in [
            (None, nowhere, RefusalCode::NotFound),
            (Some(Record::Worker(worker(false))), nowhere, RefusalCode::WorkerInactive),
            (Some(Record::Worker(worker(false))), RETIRED, RefusalCode::WorkerInactive),
            (None, RETIRED, RefusalCode::StationInactive),
            (Some(retired()), FOREIGN, RefusalCode::StationInactive),
            (None, FOREIGN, RefusalCode::StationNotAssigned),
        ] {
            let mut floor = Floor::new();
            edit.into_iter().for_each(|record| floor.put(record));
            assert_eq!(floor.refused(open(station, "4711")), expected, "{station}");
        }
        let mut floor = Floor::new();
        floor.directory = bus_schemas::directory::Directory::default();
        assert_eq!(floor.refused(open(PRESS, "4711")), RefusalCode::NotFound);
    }

    #[test]
    fn a_job_number_that_is_not_in_normal_form_is_refused() {
        let mut floor = Floor::new();
        let long = "9".repeat(65);
        for number in ["", "  ", " 4711", "4711 ", "caf\u{65}\u{301}", "47\u{0}11", long.as_str()] {
            assert_eq!(floor.refused(open(PRESS, number)), RefusalCode::InvalidPayload, "{number:?}");
        }
    }

    #[test]
    fn opening_another_closes_the_active_one_in_the_same_batch() {
        // Given a started session,
        let (mut floor, first) = Floor::working();
        let before = floor.state.clone().unwrap();
        // when the worker opens another,
        let command = floor.command(open(BENCH, "4712"));
        let Ok(Decision::Publish(events)) = floor.ask(&crate::session::Ask::Command(&command)) else { panic!() };
        // then the first is closed and the second opened, at one time and under one command id.
        let [closed, opened]: [SessionEvent; 2] = events.try_into().unwrap();
        assert_eq!((closed.session_id, closed.version), (first, before.session.version + 1));
        assert_eq!(closed.state.session.closed_cause, Some(CloseCause::Replaced));
        assert_eq!(closed.state.session.status, SessionStatus::Aborted);
        assert_eq!(opened.kind, EventKind::Opened { replaces: Some(first) });
        assert_eq!((opened.version, opened.at_us), (1, closed.at_us));
        assert_eq!(opened.state.previous.as_deref(), Some(&closed.state.session));
        assert_eq!((&closed.command_id, &opened.command_id), (&command.id, &command.id));
        // All ids of the batch differ.
        let mut ids = vec![closed.event_id, opened.event_id];
        ids.extend(closed.ended.iter().map(|interval| interval.id));
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 4, "{ids:?}");
        // The id is remembered by the second alone, and resolves to its sequence.
        assert_eq!(closed.state.ring, before.ring);
        assert_eq!(opened.state.ring.get(&command.id).map(|entry| entry.seq), Some(0));
        assert_eq!(floor.state.as_ref().unwrap().ring.get(&command.id).map(|entry| entry.seq), Some(floor.seq()));
    }

    #[test]
    fn the_last_closed_session_travels_as_the_previous_one() {
        let (mut floor, first) = Floor::completed();
        let closed = floor.session().clone();
        floor.open(BENCH);
        assert_eq!(floor.state.as_ref().unwrap().previous.as_deref(), Some(&closed));
        assert_ne!(floor.session().id, first);
    }

    #[test]
    fn a_disabled_worker_keeps_the_running_session_and_gets_no_other() {
        let (mut floor, id) = Floor::working();
        floor.put(bus_schemas::directory::Record::Worker(worker(false)));
        assert_eq!(floor.refused(open(BENCH, "4711")), RefusalCode::WorkerInactive);
        floor.stored(status(id, "production"));
        assert!(floor.session().is_active());
    }

    /// Fault 33: the clock runs back before a session is opened.
    #[test]
    fn a_clock_that_ran_back_opens_no_earlier_than_the_last_event() {
        let (mut floor, _) = Floor::completed();
        let last = floor.session().updated_at_us;
        floor.now = last.before(Duration::from_secs(3_600));
        floor.open(BENCH);
        assert_eq!(floor.session().opened_at_us, last);
    }
}
