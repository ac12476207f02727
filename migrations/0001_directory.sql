-- The directory as the stream ANDON_DIRECTORY says. A projection: nothing but the projector writes these tables.
--
-- They carry no CHECK and no UNIQUE beyond their keys. The stream has accepted the edit already; a table that refused
-- it would stop the projection without undoing anything. Uniqueness (worker codes, station codes) is checked by whoever
-- publishes, against the whole stream.
--
-- directory_seq is the stream sequence of the record's last change: a lower one never overwrites it. A removed record
-- stays, with removed_at set: reports still find the name, and a replay finds the removal.

CREATE TABLE workers (
    id            uuid PRIMARY KEY,
    worker_code   text,
    full_name     text        NOT NULL,
    language      text        NOT NULL,
    role          text        NOT NULL,
    is_active     boolean     NOT NULL,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    directory_seq bigint      NOT NULL,
    removed_at    timestamptz
);
CREATE INDEX workers_by_code ON workers (worker_code);

-- A worker's code is a record of its own on the stream and may come before the worker. workers.worker_code repeats it.
CREATE TABLE worker_credentials (
    worker_id     uuid PRIMARY KEY,
    worker_code   text,
    directory_seq bigint NOT NULL
);

CREATE TABLE worker_stations (
    worker_id  uuid        NOT NULL,
    station_id uuid        NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (worker_id, station_id)
);
CREATE INDEX worker_stations_by_station ON worker_stations (station_id);

CREATE TABLE stations (
    id              uuid PRIMARY KEY,
    name            text        NOT NULL,
    code            text        NOT NULL,
    station_type    text        NOT NULL,
    is_active       boolean     NOT NULL,
    start_checklist jsonb       NOT NULL,
    end_checklist   jsonb       NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    directory_seq   bigint      NOT NULL,
    removed_at      timestamptz
);

-- A job comes from the directory, or from the first session opened on it (directory_seq is 0 until the directory
-- knows it).
CREATE TABLE jobs (
    id               uuid PRIMARY KEY,
    job_number       text        NOT NULL,
    customer_name    text,
    description      text,
    planned_quantity bigint,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    directory_seq    bigint      NOT NULL,
    removed_at       timestamptz
);
CREATE INDEX jobs_by_number ON jobs (job_number);

CREATE TABLE reasons (
    id            uuid PRIMARY KEY,
    type          text    NOT NULL,
    label_he      text    NOT NULL,
    label_ru      text    NOT NULL,
    label_en      text    NOT NULL,
    is_active     boolean NOT NULL,
    directory_seq bigint  NOT NULL,
    removed_at    timestamptz
);

-- The six built-in statuses are written by the projector when it starts, with directory_seq 0.
CREATE TABLE statuses (
    code            text PRIMARY KEY,
    label_he        text    NOT NULL,
    label_ru        text    NOT NULL,
    label_en        text    NOT NULL,
    color           text    NOT NULL,
    machine_class   text    NOT NULL,
    station_id      uuid,
    requires_reason boolean NOT NULL,
    is_active       boolean NOT NULL,
    built_in        boolean NOT NULL,
    directory_seq   bigint  NOT NULL,
    removed_at      timestamptz
);

-- Who edited which record when. What it became stands in the stream; here no worker code and no name is repeated.
CREATE TABLE directory_edits (
    seq       bigint      NOT NULL,
    ordinal   integer     NOT NULL,
    at        timestamptz NOT NULL,
    actor     text        NOT NULL,
    action    text        NOT NULL,
    kind      text        NOT NULL,
    record_id text        NOT NULL,
    PRIMARY KEY (seq, ordinal)
);
CREATE INDEX directory_edits_by_record ON directory_edits (kind, record_id, seq);
