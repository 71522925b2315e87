-- The books, schema 1.
--
-- Every time (…_ms) is in whole milliseconds since 1970-01-01T00:00:00Z.
-- Every amount (amount, charged, total, used) is in whole base units of its resource: bytes, or a count.
-- `event` is the source of truth for usage; `bucket` and `counter` follow from it and can be made again.

-- All that is declared. One row.
CREATE TABLE policy (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL,  -- how many changes policy and grants have seen
    file    TEXT NOT NULL,     -- the layer written from the configuration file, as JSON
    store   TEXT NOT NULL      -- the layer changed by command line and API, as JSON
) STRICT;
INSERT INTO policy VALUES (1, 0, '{}', '{}');

-- What a subject has of its own; no row means nothing.
CREATE TABLE grants (
    subject  TEXT PRIMARY KEY,
    document TEXT NOT NULL     -- group, exemption, overrides, upload size, as JSON
) STRICT, WITHOUT ROWID;

-- The ledger. Rows are only ever added.
CREATE TABLE event (
    id          INTEGER PRIMARY KEY,  -- rises with time; counters are folded in this order
    subject     TEXT NOT NULL,
    resource    TEXT NOT NULL,
    kind        TEXT NOT NULL,        -- use, settle, refund, lapse, reset
    amount      INTEGER NOT NULL,     -- what it adds to the count; 0 for lapse and reset
    at_ms       INTEGER NOT NULL,     -- says in which buckets it counts
    recorded_ms INTEGER NOT NULL,     -- when it was written
    hold        TEXT,                 -- the reservation it belongs to
    bucket      TEXT,                 -- the key of the one bucket a reset is about; NULL: all that at_ms is in
    key         TEXT,                 -- the caller's name for the call, unique per subject
    fingerprint BLOB                  -- SHA-256 of what was asked under the key
) STRICT;
CREATE UNIQUE INDEX event_by_key ON event (subject, key) WHERE key IS NOT NULL;
CREATE INDEX event_by_subject ON event (subject, resource, at_ms);
CREATE INDEX event_by_time ON event (resource, at_ms);

-- The opened buckets: their counters are complete, so that a subject without one has used nothing.
CREATE TABLE bucket (
    id       INTEGER PRIMARY KEY,
    resource TEXT NOT NULL,
    key      TEXT NOT NULL,     -- 2026-06-18, 2026-W25, 2026-06, all; outside UTC with @ and the zone
    start_ms INTEGER NOT NULL,  -- its first moment
    end_ms   INTEGER NOT NULL,  -- the first moment after it; 9223372036854775807 if it does not end
    UNIQUE (resource, key)
) STRICT;
CREATE INDEX bucket_by_end ON bucket (resource, end_ms);

-- How much of a bucket is used; never below zero.
CREATE TABLE counter (
    bucket  INTEGER NOT NULL,   -- bucket.id
    subject TEXT NOT NULL,
    used    INTEGER NOT NULL,
    PRIMARY KEY (bucket, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX counter_by_used ON counter (bucket, used DESC);

-- Reservations. Ended ones are kept for 35 days, so that a repeated call gets the same answer.
CREATE TABLE hold (
    id       TEXT PRIMARY KEY,  -- UUID, 32 hexadecimal digits
    subject  TEXT NOT NULL,
    at_ms    INTEGER NOT NULL,  -- says in which buckets it counts, now and when settled
    until_ms INTEGER,           -- the first moment it no longer counts, if it lives until a moment
    instance TEXT,              -- whose sign of life it lives by, otherwise
    state    TEXT NOT NULL,     -- open, lapsed, released, settled, refunded
    total    INTEGER,           -- once settled: the amount it was settled with
    late     INTEGER NOT NULL DEFAULT 0,  -- once settled: 1 if it had lapsed before
    ended_ms INTEGER            -- when it stopped being open, or was last charged or refunded
) STRICT, WITHOUT ROWID;
CREATE INDEX hold_open ON hold (subject) WHERE state = 'open';
CREATE INDEX hold_ended ON hold (ended_ms) WHERE ended_ms IS NOT NULL;

CREATE TABLE hold_item (
    hold     TEXT NOT NULL,     -- hold.id
    place    INTEGER NOT NULL,  -- its place among the items, from 0
    resource TEXT NOT NULL,
    amount   INTEGER NOT NULL,  -- how much was set aside
    charged  INTEGER,           -- once settled: how much was charged
    PRIMARY KEY (hold, place)
) STRICT, WITHOUT ROWID;

-- Processes that keep reservations here. Each also keeps FILE-instance-ID locked while it lives.
CREATE TABLE instance (
    id      TEXT PRIMARY KEY,
    seen_ms INTEGER NOT NULL    -- its latest sign of life
) STRICT, WITHOUT ROWID;
