-- Times are microseconds since 1970, UTC. Money is a decimal text beside its currency.

CREATE TABLE accounts (
    name        TEXT PRIMARY KEY,
    connector   TEXT NOT NULL,
    state       TEXT NOT NULL,
    reason      TEXT,
    changed_at  INTEGER NOT NULL,
    started_at  INTEGER,            -- orders placed before are not imported
    owner       TEXT,               -- the remote identity that signed in
    login       TEXT
) WITHOUT ROWID;

CREATE TABLE credentials (
    account       TEXT PRIMARY KEY,
    token         BLOB NOT NULL,
    previous      BLOB,             -- one more try after a lost answer
    refreshing_at INTEGER,          -- set before a refresh is sent, cleared with its result
    saved_at      INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE feeds (
    account  TEXT NOT NULL,
    feed     TEXT NOT NULL,
    cursor   TEXT,
    moved_at INTEGER NOT NULL,
    due_at   INTEGER,               -- of a sweep: when the next one is due
    since    INTEGER,               -- of a sweep under way: from when on it looks
    PRIMARY KEY (account, feed)
) WITHOUT ROWID;

CREATE TABLE runs (
    id          INTEGER PRIMARY KEY,
    account     TEXT NOT NULL,
    feed        TEXT NOT NULL,
    trigger     TEXT NOT NULL,
    started_at  INTEGER NOT NULL,
    ended_at    INTEGER,
    state       TEXT NOT NULL,
    polls       INTEGER NOT NULL,
    seen        INTEGER NOT NULL,
    added       INTEGER NOT NULL,
    changed     INTEGER NOT NULL,
    quarantined INTEGER NOT NULL,
    missed      INTEGER NOT NULL,
    error       TEXT
);
CREATE INDEX runs_of_account ON runs (account, id);

CREATE TABLE orders (
    id            INTEGER PRIMARY KEY,
    account       TEXT NOT NULL,
    external_id   TEXT NOT NULL,
    number        TEXT,
    stage         TEXT NOT NULL,
    fulfilment    TEXT NOT NULL,
    paid          INTEGER NOT NULL,
    placed_at     INTEGER NOT NULL,
    currency      TEXT NOT NULL,
    total         TEXT NOT NULL,
    buyer         TEXT,
    superseded_by INTEGER REFERENCES orders (id),
    created_at    INTEGER NOT NULL,
    changed_at    INTEGER NOT NULL,
    digest        BLOB NOT NULL,
    document      BLOB NOT NULL,
    UNIQUE (account, external_id)
);
CREATE INDEX orders_of_account ON orders (account, stage, id);
CREATE INDEX orders_number ON orders (number) WHERE number IS NOT NULL;

CREATE TABLE order_lines (
    order_id    INTEGER NOT NULL REFERENCES orders (id),
    position    INTEGER NOT NULL,
    account     TEXT NOT NULL,
    external_id TEXT NOT NULL,
    offer_id    TEXT,
    sku         TEXT,
    ean         TEXT,
    name        TEXT NOT NULL,
    quantity    INTEGER NOT NULL,
    live        INTEGER NOT NULL,
    PRIMARY KEY (order_id, position)
) WITHOUT ROWID;
-- No order line of an account belongs to two live orders.
CREATE UNIQUE INDEX order_lines_live ON order_lines (account, external_id) WHERE live = 1;

-- An order as it stands at a target it was pushed to.
CREATE TABLE copies (
    order_id    INTEGER NOT NULL REFERENCES orders (id),
    account     TEXT NOT NULL,
    external_id TEXT NOT NULL,
    number      TEXT,
    currency    TEXT NOT NULL,
    total       TEXT NOT NULL,
    status      TEXT,
    url         TEXT,
    unlinked    BLOB NOT NULL,
    shipments   BLOB NOT NULL,
    created_at  INTEGER NOT NULL,
    seen_at     INTEGER,
    PRIMARY KEY (order_id, account)
) WITHOUT ROWID;
CREATE UNIQUE INDEX copies_external ON copies (account, external_id);
CREATE INDEX copies_number ON copies (number) WHERE number IS NOT NULL;

CREATE TABLE events (
    id         INTEGER PRIMARY KEY,
    at         INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    account    TEXT NOT NULL,
    order_id   INTEGER REFERENCES orders (id),
    cause_kind TEXT NOT NULL,
    cause_id   TEXT NOT NULL,
    data       BLOB NOT NULL
);
CREATE INDEX events_of_order ON events (order_id, id) WHERE order_id IS NOT NULL;
CREATE INDEX events_of_account ON events (account, id) WHERE order_id IS NULL;

CREATE TABLE deliveries (
    id          INTEGER PRIMARY KEY,
    order_id    INTEGER NOT NULL REFERENCES orders (id),
    target      TEXT NOT NULL,
    action      TEXT NOT NULL,
    key         TEXT NOT NULL,
    state       TEXT NOT NULL,
    event_id    INTEGER NOT NULL REFERENCES events (id),
    created_at  INTEGER NOT NULL,
    due_at      INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    sent_at     INTEGER,
    lease_until INTEGER,
    finished_at INTEGER,
    external_id TEXT,
    reason      TEXT,
    error       TEXT,
    payload     BLOB NOT NULL,
    UNIQUE (order_id, target, action, key)
);
CREATE INDEX deliveries_due ON deliveries (target, due_at, id) WHERE state IN ('pending', 'retry', 'sent');
CREATE INDEX deliveries_open ON deliveries (order_id, target, id) WHERE state IN ('pending', 'retry', 'sent', 'hold');
CREATE INDEX deliveries_stuck ON deliveries (state, id) WHERE state IN ('hold', 'dead');

CREATE TABLE quarantine (
    id          INTEGER PRIMARY KEY,
    account     TEXT NOT NULL,
    feed        TEXT NOT NULL,
    external_id TEXT NOT NULL,
    reason      TEXT NOT NULL,
    raw         BLOB NOT NULL,
    first_at    INTEGER NOT NULL,
    last_at     INTEGER NOT NULL,
    tries       INTEGER NOT NULL,
    UNIQUE (account, external_id)
);

-- Orders to be read again: the source said something else than it had announced.
CREATE TABLE lookups (
    account     TEXT NOT NULL,
    external_id TEXT NOT NULL,
    due_at      INTEGER NOT NULL,
    reason      TEXT NOT NULL,
    tries       INTEGER NOT NULL,
    PRIMARY KEY (account, external_id)
) WITHOUT ROWID;
