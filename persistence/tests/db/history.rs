//! History: pages, filters, one session whole, and what is said when Postgres is away.

use std::time::Duration;

use bus_schemas::{CloseCause, JobId, SessionId, TimeUs};
use persistence::{HistoryFilter, Store, StoreError, Summary};
use tokio::time::Instant;
use uuid::Uuid;

use crate::{
    harness::{BUSY, Database, Postgres, until},
    projecting::{project, writer},
    story::{Worker, log, shift, stored},
};

/// A reader is told so within this.
const SAID_WITHIN: Duration = Duration::from_secs(3);

/// A database with a shift in it.
async fn with_shift(events: usize) -> (Database, Store) {
    let database = Database::new().await;
    project(&mut writer(&database).await, &log(1, &shift(4, events, 11))).await;
    let store = Store::connect_lazy(&database.url).expect("an address");
    (database, store)
}

/// Every page, one after the other.
async fn all(store: &Store, filter: &HistoryFilter) -> Vec<persistence::SessionRow> {
    let mut filter = filter.clone();
    let mut all = Vec::new();
    loop {
        let page = store.closed_sessions(&filter).await.expect("Postgres is there");
        all.extend(page.sessions);
        match page.next {
            Some(next) => filter.cursor = Some(next.to_string().parse().expect("its own text")),
            None => return all,
        }
    }
}

#[tokio::test]
async fn pages_together_are_the_whole_newest_first_and_nothing_twice() {
    let (_database, store) = with_shift(600).await;
    let whole = all(&store, &HistoryFilter { limit: Some(200), ..HistoryFilter::default() }).await;
    assert!(whole.len() > 20, "{} closed sessions", whole.len());
    assert!(whole.iter().all(|session| session.status != "active" && session.ended_at_us.is_some()));
    assert!(whole.is_sorted_by(|a, b| (a.ended_at_us, a.id.0) > (b.ended_at_us, b.id.0)));
    for limit in [1, 2, 7, 1_000] {
        let paged = all(&store, &HistoryFilter { limit: Some(limit), ..HistoryFilter::default() }).await;
        assert_eq!(paged, whole, "limit {limit}");
    }
}

#[tokio::test]
async fn each_filter_keeps_exactly_what_it_says() {
    let (_database, store) = with_shift(600).await;
    let everything = HistoryFilter::default();
    let whole = all(&store, &everything).await;
    let some = whole[whole.len() / 2].clone();
    let middle = some.ended_at_us;
    type Keeps = Box<dyn Fn(&persistence::SessionRow) -> bool>;
    let (worker, station, job) = (some.worker_id, some.station_id, some.job_id);
    let cases: Vec<(HistoryFilter, Keeps)> = vec![
        (HistoryFilter { worker: Some(worker), ..everything.clone() }, Box::new(move |row| row.worker_id == worker)),
        (
            HistoryFilter { stations: vec![station], ..everything.clone() },
            Box::new(move |row| row.station_id == station),
        ),
        (HistoryFilter { job: Some(job), ..everything.clone() }, Box::new(move |row| row.job_id == job)),
        (
            HistoryFilter { cause: Some(CloseCause::Idle), ..everything.clone() },
            Box::new(|row| row.closed_cause.as_deref() == Some("idle")),
        ),
        (HistoryFilter { from_us: middle, ..everything.clone() }, Box::new(move |row| row.ended_at_us >= middle)),
        (HistoryFilter { to_us: middle, ..everything.clone() }, Box::new(move |row| row.ended_at_us < middle)),
        (
            HistoryFilter {
                worker: Some(worker),
                stations: vec![station],
                job: Some(job),
                from_us: middle,
                ..everything.clone()
            },
            Box::new(move |row| {
                row.worker_id == worker && row.station_id == station && row.job_id == job && row.ended_at_us >= middle
            }),
        ),
        (HistoryFilter { job: Some(JobId::of("nothing")), ..everything.clone() }, Box::new(|_| false)),
        (HistoryFilter { from_us: Some(TimeUs::from_micros(i64::MAX)), ..everything.clone() }, Box::new(|_| false)),
        (HistoryFilter { from_us: Some(TimeUs::from_micros(i64::MIN)), ..everything.clone() }, Box::new(|_| true)),
    ];
    for (filter, keeps) in cases {
        let expected: Vec<_> = whole.iter().filter(|row| keeps(row)).cloned().collect();
        assert_eq!(all(&store, &filter).await, expected, "{filter:?}");
    }
}

#[tokio::test]
async fn a_session_comes_whole_and_from_one_moment() {
    // given
    let (mut worker, opened) = Worker::opens(1);
    let events = [
        opened,
        worker.starts(),
        worker.turns("fault", Some("jammed")),
        worker.reports(10, 1),
        worker.reports(-2, 0),
        worker.closes(CloseCause::Admin),
    ];
    let database = Database::new().await;
    let mut writer = writer(&database).await;
    project(&mut writer, &log(1, &events[..5])).await;
    let store = Store::connect_lazy(&database.url).unwrap();
    // when it is read while it is active
    let detail = store.session(worker.session.id).await.unwrap().expect("it is there");
    // then
    assert_eq!((detail.projected_seq, detail.session.version, detail.session.seq), (5, 5, 5));
    assert_eq!(detail.session.last_note.as_deref(), Some("jammed"));
    assert_eq!(detail.session.total_good, 8);
    let statuses: Vec<_> = detail.status_events.iter().map(|it| (&*it.status, it.ended_at_us.is_some())).collect();
    assert_eq!(statuses, [("stopped", true), ("fault", false)]);
    let changes: Vec<_> = detail.quantity_changes.iter().map(|it| (it.good_delta, it.total_good)).collect();
    assert_eq!(changes, [(10, 10), (-2, 8)]);
    assert!(detail.quantity_changes.iter().all(|it| it.status_event_id == detail.status_events[1].id));
    let happened: Vec<_> = detail.events.iter().map(|it| (it.version, it.seq, &*it.kind, &*it.actor)).collect();
    let by = format!("worker:{}", worker.id);
    let kinds = ["opened", "checklist-completed", "status-changed", "quantities-reported", "quantities-reported"];
    assert_eq!(happened, (1..).zip(kinds).map(|(n, kind)| (n, n, kind, &*by)).collect::<Vec<_>>());
    // and when it is closed
    project(&mut writer, &log(6, &events[5..])).await;
    let detail = store.session(worker.session.id).await.unwrap().expect("it is there");
    assert_eq!(detail.session.closed_cause.as_deref(), Some("admin"));
    assert_eq!(detail.session.last_note.as_deref(), Some("closed for a test"));
    assert_eq!(detail.session.updated_at_us, worker.session.updated_at_us);
    assert_eq!(store.session_row(worker.session.id).await.unwrap(), Some(detail.session));
    // and one that nobody knows is none
    assert_eq!(store.session(SessionId(Uuid::from_u128(1))).await.unwrap(), None);
}

#[tokio::test]
async fn what_was_made_since_a_time_is_counted_once_however_sessions_lie_around_it() {
    // given a session that ended before it, one that ended after it, one that goes on, and one that began later
    let (mut early, early_opened) = Worker::opens(1);
    let (mut across, across_opened) = Worker::opens(2);
    let (mut active, active_opened) = Worker::opens(3);
    let (mut late, late_opened) = Worker::opens(4);
    let mut events = vec![early_opened, early.starts(), early.reports(1_000, 100), early.closes(CloseCause::Completed)];
    events.extend([across_opened, across.starts(), across.reports(50, 5)]);
    events.extend([active_opened, active.starts(), active.reports(30, 3), active.reports(-10, 0)]);
    let from = events.iter().map(|event| event.at_us).max().expect("some");
    let from = TimeUs::from_micros(from.as_micros() + 1);
    events.push(late_opened);
    for worker in [&mut across, &mut active, &mut late] {
        worker.skip_to(from);
    }
    events.extend([across.reports(7, 1), across.closes(CloseCause::Idle), active.reports(4, 2)]);
    events.extend([late.starts(), late.reports(9, 0), late.reports(-2, 1)]);
    let database = Database::new().await;
    project(&mut writer(&database).await, &log(1, &events)).await;
    let store = Store::connect_lazy(&database.url).unwrap();
    // when
    let made = store.summary(from, None).await.unwrap();
    // then
    let (closed, before) = ((made.sessions_closed, made.good, made.scrap), (made.carried_good, made.carried_scrap));
    assert_eq!((closed, before), ((1, 7, 1), (20, 3)));
    let live = |worker: &Worker| worker.session.total_good;
    assert_eq!(made.good + live(&active) + live(&late) - made.carried_good, 7 + 4 + 7, "pieces since then");
    // and a limited account counts its own stations only
    assert_eq!(store.summary(from, Some(&[])).await.unwrap(), Summary::default());
    let station = [across.session.station_id];
    assert_eq!(store.summary(from, Some(&station)).await.unwrap().good, 7);
    // and of a time before everything, everything counts
    let all = store.summary(TimeUs::from_micros(i64::MIN), None).await.unwrap();
    assert_eq!((all.sessions_closed, all.good, all.carried_good), (2, 1_057, 0));
}

#[tokio::test]
async fn a_reader_can_wait_for_the_projection() {
    let database = Database::new().await;
    let store = Store::connect_lazy(&database.url).unwrap();
    assert_eq!(store.projected_seq().await.unwrap(), 0);
    let (_, opened) = Worker::opens(1);
    assert!(!store.wait_for(1, Duration::from_millis(50)).await.unwrap());
    let waiting = store.wait_for(1, Duration::from_secs(20));
    let writing = async { project(&mut writer(&database).await, &[stored(1, &opened)]).await };
    let (arrived, ()) = tokio::join!(waiting, writing);
    assert!(arrived.unwrap());
}

#[tokio::test]
async fn without_postgres_history_says_so_soon_and_recovers_by_itself() {
    let mut server = tokio::task::spawn_blocking(Postgres::new).await.expect("it starts");
    let database = server.database().await;
    let store = Store::connect_lazy(&database.url).unwrap();
    let read = async || store.closed_sessions(&HistoryFilter::default()).await;
    assert!(read().await.unwrap().sessions.is_empty());
    // when it is frozen, and when it is gone
    server.signal("STOP");
    let started = Instant::now();
    assert!(matches!(read().await, Err(StoreError::Unavailable(_))));
    assert!(started.elapsed() < SAID_WITHIN + BUSY, "it took {:?}", started.elapsed());
    server.signal("CONT");
    until("it answers again", async || read().await.is_ok()).await;
    server.stop();
    assert!(matches!(read().await, Err(StoreError::Unavailable(_))));
    server.start();
    until("it answers again", async || read().await.is_ok()).await;
}

/// Fault 35: a table is locked.
#[tokio::test]
async fn a_locked_table_costs_a_reader_a_second_or_two() {
    let (database, store) = with_shift(20).await;
    let mut person = database.connect().await;
    sqlx::raw_sql("BEGIN; LOCK TABLE sessions").execute(&mut person).await.unwrap();
    let started = Instant::now();
    let locked = store.closed_sessions(&HistoryFilter::default()).await;
    assert!(matches!(locked, Err(StoreError::Unavailable(_))), "{locked:?}");
    assert!(started.elapsed() < SAID_WITHIN + BUSY, "it took {:?}", started.elapsed());
    sqlx::raw_sql("ROLLBACK").execute(&mut person).await.unwrap();
    assert!(store.closed_sessions(&HistoryFilter::default()).await.is_ok());
}

#[tokio::test]
async fn a_database_without_tables_is_unavailable_and_no_fault() {
    let database = Database::new().await;
    let (address, _name) = database.url.rsplit_once('/').expect("an address");
    let empty = format!("{address}/postgres");
    let store = Store::connect_lazy(&empty).unwrap();
    let read = store.closed_sessions(&HistoryFilter::default()).await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
}
