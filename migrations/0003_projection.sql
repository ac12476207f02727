-- Where the projection stands, and what it could not project.

-- The only position there is: written in the transaction that writes the rows. Stream, time of creation, sequence and
-- hash of the last message prove that the log is still the one these rows were made from.
CREATE TABLE checkpoints (
    stream               text PRIMARY KEY,
    stream_created_at    timestamptz NOT NULL,
    seq                  bigint      NOT NULL,
    -- xxh3_128 of the subject, a zero byte and the body of message `seq`; null before the first message.
    message_hash         bytea,
    -- When the log stored that message, by the log's clock.
    message_at           timestamptz,
    -- Damage that a person has looked at and accepted: so many messages missing, so many bytes lost, and no more.
    accepted_deleted     bigint      NOT NULL DEFAULT 0,
    accepted_lost_bytes  bigint      NOT NULL DEFAULT 0
);

-- Messages that could not be projected, whole: the log lets go of them like of any other. Each is an alarm until a
-- person sets resolved_at.
CREATE TABLE quarantine (
    stream      text        NOT NULL,
    seq         bigint      NOT NULL,
    subject     text        NOT NULL,
    headers     jsonb       NOT NULL,
    payload     bytea       NOT NULL,
    error       text        NOT NULL,
    -- When the log stored it, by the log's clock.
    at          timestamptz NOT NULL,
    resolved_at timestamptz,
    PRIMARY KEY (stream, seq)
);
