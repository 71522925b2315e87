-- The books, schema 2: pools, other aggregates, other shapes of time, notices, older lines.
--
-- `per` says by whom a count is shared: subject, group or server. An `account` is whose it is: the
-- name of a subject or of a group, or nothing for everyone together.

-- The group the subject was in, whose pools it counts in, too.
ALTER TABLE event ADD COLUMN grp TEXT;
-- Which one, where different ones are counted.
ALTER TABLE event ADD COLUMN member TEXT;
CREATE INDEX event_reset ON event (subject, resource, at_ms) WHERE kind = 'reset';
CREATE INDEX event_refund ON event (resource, hold) WHERE kind = 'refund';

-- The opened buckets: their counters are complete, so that an account without one has used nothing.
ALTER TABLE bucket RENAME TO bucket_1;
DROP INDEX bucket_by_end;
CREATE TABLE bucket (
    id        INTEGER PRIMARY KEY,
    resource  TEXT NOT NULL,
    per       TEXT NOT NULL,
    key       TEXT NOT NULL,     -- 2026-06-18, 2026-W25, all; of a series: 30d, rolling 30d; outside UTC with @ and the zone
    aggregate TEXT NOT NULL,     -- how it adds up: sum, max, last, unique
    shape     TEXT NOT NULL,     -- stretch; first: by first use, key is the period; rolling: kept in parts, key is the period
    at_ms     INTEGER NOT NULL,  -- of a series: a moment that it was opened for; otherwise its first
    start_ms  INTEGER NOT NULL,  -- its first moment; of a series: the first there is
    end_ms    INTEGER NOT NULL,  -- the first moment after it; 9223372036854775807 if it does not end, or of a series
    UNIQUE (resource, per, key)
) STRICT;
CREATE INDEX bucket_by_end ON bucket (resource, end_ms);
INSERT INTO bucket (id, resource, per, key, aggregate, shape, at_ms, start_ms, end_ms)
    SELECT id, resource, 'subject', key, 'sum', 'stretch', start_ms, start_ms, end_ms FROM bucket_1;
DROP TABLE bucket_1;

-- How much of a bucket is used; never below zero.
ALTER TABLE counter RENAME TO counter_1;
DROP INDEX counter_by_used;
CREATE TABLE counter (
    bucket    INTEGER NOT NULL,  -- bucket.id
    account   TEXT NOT NULL,
    used      INTEGER NOT NULL,
    newest_ms INTEGER,           -- where the last value counts: the moment it is of
    since_ms  INTEGER,           -- where the bucket begins by first use: the first moment of this account's
    PRIMARY KEY (bucket, account)
) STRICT, WITHOUT ROWID;
CREATE INDEX counter_by_used ON counter (bucket, used DESC);
INSERT INTO counter (bucket, account, used) SELECT bucket, subject, used FROM counter_1;
DROP TABLE counter_1;

-- Which members are counted in a bucket, where different ones are.
CREATE TABLE member (
    bucket  INTEGER NOT NULL,    -- bucket.id
    account TEXT NOT NULL,
    member  TEXT NOT NULL,
    PRIMARY KEY (bucket, account, member)
) STRICT, WITHOUT ROWID;

-- Since when sums of parts of time are kept, for rolling windows.
CREATE TABLE parts (
    resource TEXT NOT NULL,
    per      TEXT NOT NULL,
    size_ms  INTEGER NOT NULL,   -- how long a part is: a minute, an hour, a day
    from_ms  INTEGER NOT NULL,   -- the first moment of the first part that is kept
    PRIMARY KEY (resource, per, size_ms)
) STRICT, WITHOUT ROWID;

-- What the lines of a part of time add up to, if not nothing: may be below zero, and knows of no reset.
CREATE TABLE part (
    resource TEXT NOT NULL,
    per      TEXT NOT NULL,
    size_ms  INTEGER NOT NULL,
    account  TEXT NOT NULL,
    start_ms INTEGER NOT NULL,   -- its first moment, a multiple of its size
    net      INTEGER NOT NULL,
    PRIMARY KEY (resource, per, size_ms, account, start_ms)
) STRICT, WITHOUT ROWID;

-- What was used in all before the first line of the ledger, where older ones were taken out.
CREATE TABLE balance (
    resource  TEXT NOT NULL,
    per       TEXT NOT NULL,
    account   TEXT NOT NULL,
    used      INTEGER NOT NULL,
    newest_ms INTEGER,           -- where the last value counts: the moment it is of
    PRIMARY KEY (resource, per, account)
) STRICT, WITHOUT ROWID;

-- Of which moments lines were taken out of the ledger.
CREATE TABLE pruned (
    resource TEXT PRIMARY KEY,
    at_ms    INTEGER NOT NULL,   -- the latest of them
    line     INTEGER NOT NULL    -- event.id of the last of them; ids are never given twice
) STRICT, WITHOUT ROWID;

-- What is known of a window beside its count: which crossings were told, since when it is over.
CREATE TABLE mark (
    resource TEXT NOT NULL,
    per      TEXT NOT NULL,
    account  TEXT NOT NULL,
    bucket   TEXT NOT NULL,      -- bucket.key; of one by first use, a space and its first moment in milliseconds
    mode     TEXT NOT NULL,      -- of the window: hard, soft, observe
    mark     TEXT NOT NULL,      -- warn 80, over, recovered; past: since when more than the limit is used
    at_ms    INTEGER NOT NULL,   -- when
    end_ms   INTEGER,            -- when nobody needs to know it any more, if ever
    PRIMARY KEY (resource, per, account, bucket, mode, mark)
) STRICT, WITHOUT ROWID;
CREATE INDEX mark_by_end ON mark (end_ms) WHERE end_ms IS NOT NULL;

-- What is to be told. Rows are only ever added.
CREATE TABLE notice (
    id       INTEGER PRIMARY KEY,
    subject  TEXT NOT NULL,      -- whose charge it was
    document TEXT NOT NULL       -- all else, as JSON
) STRICT;
CREATE INDEX notice_by_subject ON notice (subject);

-- Who was told of notices.
CREATE TABLE told (
    target TEXT PRIMARY KEY,
    notice INTEGER NOT NULL      -- all up to this id
) STRICT, WITHOUT ROWID;

-- The group the subject was in, whose pools it draws on, too.
ALTER TABLE hold ADD COLUMN grp TEXT;

-- 1 if it is charged by what the action turned out to be; 0: by what was set aside.
ALTER TABLE hold_item ADD COLUMN metered INTEGER NOT NULL DEFAULT 0;
UPDATE hold_item SET metered = 1
    WHERE substr(resource, -5) = 'bytes'
       OR NOT EXISTS (SELECT 1 FROM hold_item other
                      WHERE other.hold = hold_item.hold AND substr(other.resource, -5) = 'bytes');
