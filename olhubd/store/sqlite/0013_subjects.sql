-- Rewrites: events, deliveries, quarantine, lookups, remarks
-- What a row is about is a kind of thing and its number; a record of a source is its kind and its name there. So far
-- all of it was about orders. There is no foreign key to what may stand in one of many tables.
CREATE TABLE events_anew (
    id           INTEGER PRIMARY KEY,
    at           INTEGER NOT NULL,
    kind         TEXT NOT NULL,
    account      TEXT NOT NULL,
    subject_kind TEXT,               -- without one it happened to the account
    subject_id   INTEGER,
    cause_kind   TEXT NOT NULL,
    cause_id     TEXT NOT NULL,
    data         BLOB NOT NULL,
    CHECK ((subject_kind IS NULL) = (subject_id IS NULL))
);
INSERT INTO events_anew
SELECT id, at, kind, account, CASE WHEN order_id IS NOT NULL THEN 'order' END, order_id, cause_kind, cause_id, data
FROM events ORDER BY id;

-- What a person gave up was told from what a target refused by the last event about it alone; it is a state now.
CREATE TABLE deliveries_anew (
    id           INTEGER PRIMARY KEY,
    subject_kind TEXT NOT NULL,
    subject_id   INTEGER NOT NULL,
    target       TEXT NOT NULL,
    action       TEXT NOT NULL,
    key          TEXT NOT NULL,
    state        TEXT NOT NULL,
    event_id     INTEGER NOT NULL REFERENCES events (id),
    created_at   INTEGER NOT NULL,
    due_at       INTEGER NOT NULL,
    attempts     INTEGER NOT NULL,
    sent_at      INTEGER,
    lease_until  INTEGER,
    finished_at  INTEGER,
    external_id  TEXT,
    reason       TEXT,
    error        TEXT,
    payload      BLOB NOT NULL,
    UNIQUE (subject_kind, subject_id, target, action, key)
);
INSERT INTO deliveries_anew
SELECT id, 'order', order_id, target, action, key,
    CASE WHEN state = 'dead' AND 'delivery.discarded' IS (
        SELECT e.kind FROM events AS e
        WHERE e.order_id = d.order_id AND json_extract(CAST(e.data AS TEXT), '$.delivery') = d.id
        ORDER BY e.id DESC LIMIT 1
    ) THEN 'discarded' ELSE state END,
    event_id, created_at, due_at, attempts, sent_at, lease_until, finished_at, external_id, reason, error, payload
FROM deliveries AS d ORDER BY id;

DROP TABLE deliveries;
DROP TABLE events;
ALTER TABLE events_anew RENAME TO events;
ALTER TABLE deliveries_anew RENAME TO deliveries;

CREATE INDEX events_of_subject ON events (subject_kind, subject_id, id) WHERE subject_id IS NOT NULL;
CREATE INDEX events_of_account ON events (account, id) WHERE subject_id IS NULL;
CREATE INDEX events_journal ON events (account, id);
CREATE INDEX events_notable ON events (kind, id, account)
    WHERE kind NOT IN ('order.placed', 'order.confirmed', 'order.paid', 'delivery.confirmed');
CREATE INDEX deliveries_due ON deliveries (target, due_at, id) WHERE state IN ('pending', 'retry', 'sent');
CREATE INDEX deliveries_open ON deliveries (subject_kind, subject_id, target, id)
    WHERE state IN ('pending', 'retry', 'sent', 'hold');
CREATE INDEX deliveries_stuck ON deliveries (state, id) WHERE state IN ('hold', 'dead', 'discarded');

CREATE TABLE quarantine_anew (
    id            INTEGER PRIMARY KEY,
    account       TEXT NOT NULL,
    feed          TEXT NOT NULL,
    kind          TEXT NOT NULL,     -- of the record, or the type that a connector gave where that is none
    external_id   TEXT NOT NULL,
    reason        TEXT NOT NULL,
    raw           BLOB NOT NULL,
    first_at      INTEGER NOT NULL,
    last_at       INTEGER NOT NULL,
    tries         INTEGER NOT NULL,
    discarded_at  INTEGER,
    discarded_why TEXT,
    UNIQUE (account, kind, external_id)
);
INSERT INTO quarantine_anew
SELECT id, account, feed,
    CASE WHEN reason LIKE '% is no kind of record'
        THEN substr(reason, 1, length(reason) - length(' is no kind of record')) ELSE 'order' END,
    external_id, reason, raw, first_at, last_at, tries, discarded_at, discarded_why
FROM quarantine;
DROP TABLE quarantine;
ALTER TABLE quarantine_anew RENAME TO quarantine;
CREATE INDEX quarantine_discarded ON quarantine (last_at, discarded_at) WHERE discarded_at IS NOT NULL;
CREATE INDEX quarantine_waiting ON quarantine (account) WHERE discarded_at IS NULL;

CREATE TABLE lookups_anew (
    account     TEXT NOT NULL,
    kind        TEXT NOT NULL,
    external_id TEXT NOT NULL,
    due_at      INTEGER NOT NULL,
    reason      TEXT NOT NULL,
    tries       INTEGER NOT NULL,
    PRIMARY KEY (account, kind, external_id)
) WITHOUT ROWID;
INSERT INTO lookups_anew SELECT account, 'order', external_id, due_at, reason, tries FROM lookups;
DROP TABLE lookups;
ALTER TABLE lookups_anew RENAME TO lookups;

CREATE TABLE remarks_anew (
    subject_kind TEXT NOT NULL,
    subject_id   INTEGER NOT NULL,
    document     BLOB NOT NULL,
    changed_at   INTEGER NOT NULL,
    PRIMARY KEY (subject_kind, subject_id)
) WITHOUT ROWID;
INSERT INTO remarks_anew SELECT 'order', order_id, document, changed_at FROM remarks;
DROP TABLE remarks;
ALTER TABLE remarks_anew RENAME TO remarks;
