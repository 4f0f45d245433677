-- Rewrites: orders, runs
-- What the hub tells by itself: alarms, and each account's day as the source and as the hub count it.

CREATE TABLE alarms (
    id         INTEGER PRIMARY KEY,
    kind       TEXT NOT NULL,
    subject    TEXT NOT NULL,
    detail     TEXT NOT NULL,
    raised_at  INTEGER NOT NULL,
    cleared_at INTEGER,
    told       BLOB NOT NULL,       -- by channel what was told last
    told_at    INTEGER
);
-- What is wrong is raised once.
CREATE UNIQUE INDEX alarms_open ON alarms (kind, subject) WHERE cleared_at IS NULL;

CREATE TABLE reconciliations (
    id        INTEGER PRIMARY KEY,
    account   TEXT NOT NULL,
    day       TEXT NOT NULL,        -- in the seller's time zone
    since     INTEGER NOT NULL,
    until     INTEGER NOT NULL,
    source    INTEGER NOT NULL,
    hub       INTEGER NOT NULL,
    missing   INTEGER NOT NULL,
    surplus   INTEGER NOT NULL,
    names     BLOB NOT NULL,
    looks     INTEGER NOT NULL,
    looked_at INTEGER NOT NULL,
    UNIQUE (account, day)
);
CREATE INDEX reconciliations_different ON reconciliations (account, id) WHERE missing > 0 OR surplus > 0;

CREATE INDEX orders_placed ON orders (account, placed_at);
CREATE INDEX runs_missed ON runs (account, id) WHERE missed > 0;
