-- Sessions as the stream ANDON says. A projection: nothing but the projector writes these tables.
--
-- No foreign keys, here or between these and the directory. Measured, they halve the bulk inserts; and the two streams
-- are projected independently, so a session may arrive before its worker does. What belongs together is written in one
-- transaction.
--
-- version is the session's event number that wrote the row: a lower one never overwrites it, so a replay changes
-- nothing. Ids are derived from commands; times are UTC with microseconds.

CREATE TABLE sessions (
    id                        uuid PRIMARY KEY,
    worker_id                 uuid        NOT NULL,
    station_id                uuid        NOT NULL,
    job_id                    uuid        NOT NULL,
    status                    text        NOT NULL,
    current_status            text,
    started_at                timestamptz NOT NULL,
    ended_at                  timestamptz,
    total_good                bigint      NOT NULL,
    total_scrap               bigint      NOT NULL,
    start_checklist_completed boolean     NOT NULL,
    end_checklist_completed   boolean     NOT NULL,
    last_seen_at              timestamptz NOT NULL,
    forced_closed_at          timestamptz,
    last_status_change_at     timestamptz,
    closed_cause              text,
    last_working_status       text,
    effective_end_at          timestamptz,
    created_at                timestamptz NOT NULL,
    updated_at                timestamptz NOT NULL,
    -- Names as they were when the session opened: renaming somebody never rewrites history.
    worker_name               text        NOT NULL,
    station_code              text        NOT NULL,
    station_name              text        NOT NULL,
    station_type              text        NOT NULL,
    job_number                text        NOT NULL,
    customer_name             text,
    planned_quantity          bigint,
    -- The last event projected: its number in the session, and its stream sequence.
    version                   bigint      NOT NULL,
    seq                       bigint      NOT NULL,
    -- The number of an event that came although the one before it had not: nothing after `version` is projected.
    halted_at_version         bigint
)
-- Room in each page for the new versions of active sessions.
WITH (fillfactor = 80);
-- History is read by end, newest first, in all or by one of three. last_seen_at has no index on purpose: it is written
-- once a minute for every active session, and an index makes that three times as dear.
CREATE INDEX sessions_by_end ON sessions (ended_at DESC, id DESC) WHERE ended_at IS NOT NULL;
CREATE INDEX sessions_by_worker ON sessions (worker_id, ended_at DESC, id DESC);
CREATE INDEX sessions_by_station ON sessions (station_id, ended_at DESC, id DESC);
CREATE INDEX sessions_by_job ON sessions (job_id, ended_at DESC, id DESC);
CREATE INDEX sessions_active ON sessions (id) WHERE ended_at IS NULL;

-- One interval of one status: [started_at, ended_at). (version, ordinal) orders the intervals of a session.
CREATE TABLE status_events (
    id          uuid PRIMARY KEY,
    session_id  uuid        NOT NULL,
    status      text        NOT NULL,
    reason_id   uuid,
    note        text,
    image_url   text,
    started_at  timestamptz NOT NULL,
    ended_at    timestamptz,
    reported_at timestamptz,
    version     bigint      NOT NULL,
    ordinal     smallint    NOT NULL
);
-- Without version: an open interval is written again by every event, and that should touch no index.
CREATE INDEX status_events_by_session ON status_events (session_id);

CREATE TABLE quantity_changes (
    id              uuid PRIMARY KEY,
    session_id      uuid        NOT NULL,
    status_event_id uuid        NOT NULL,
    total_good      bigint      NOT NULL,
    total_scrap     bigint      NOT NULL,
    good_delta      bigint      NOT NULL,
    scrap_delta     bigint      NOT NULL,
    reason_id       uuid,
    at              timestamptz NOT NULL,
    reported_at     timestamptz,
    version         bigint      NOT NULL
);
CREATE INDEX quantity_changes_by_session ON quantity_changes (session_id);

-- Every event that was projected, for audit: also after the log has let it go. The key grows with the stream, so this
-- largest table is only ever appended to.
CREATE TABLE session_events (
    seq        bigint PRIMARY KEY,
    event_id   uuid        NOT NULL,
    session_id uuid        NOT NULL,
    version    bigint      NOT NULL,
    kind       text        NOT NULL,
    command_id text        NOT NULL,
    actor      text        NOT NULL,
    at         timestamptz NOT NULL,
    -- When the log stored it, by the log's clock.
    stored_at  timestamptz NOT NULL,
    -- What stands nowhere else: the items a checklist asked, which session an opened one replaced.
    detail     jsonb
);
CREATE INDEX session_events_by_session ON session_events (session_id, version);
CREATE INDEX session_events_by_stored ON session_events (stored_at);
