-- Rewrites: nothing
-- What is sold: the stock items of the masters, the offers of the channels, which offer sells what, what orders need
-- of it, and what each offer must show.
CREATE TABLE stock_items (
    id             INTEGER PRIMARY KEY,
    account        TEXT NOT NULL,       -- the stock master
    external_id    TEXT NOT NULL,
    name           TEXT NOT NULL,
    sku            TEXT,
    ean            TEXT,
    counting       TEXT NOT NULL,
    basis          TEXT NOT NULL,
    quantity       INTEGER,             -- null where there is no number
    allocated      INTEGER,
    on_sale        INTEGER NOT NULL,
    external_state TEXT,
    read_after     INTEGER NOT NULL,    -- the newest event when this reading was asked for
    read_at        INTEGER NOT NULL,
    updated_at     INTEGER,
    digest         BLOB NOT NULL,       -- of the record
    UNIQUE (account, external_id)
);
CREATE INDEX stock_items_sku ON stock_items (sku) WHERE sku IS NOT NULL;

CREATE TABLE offers (
    id             INTEGER PRIMARY KEY,
    account        TEXT NOT NULL,
    external_id    TEXT NOT NULL,
    name           TEXT NOT NULL,
    sku            TEXT,
    ean            TEXT,
    state          TEXT NOT NULL,
    external_state TEXT,
    quantity       INTEGER,
    read_after     INTEGER NOT NULL,
    read_at        INTEGER NOT NULL,
    digest         BLOB NOT NULL,
    UNIQUE (account, external_id)
);
CREATE INDEX offers_sku ON offers (sku) WHERE sku IS NOT NULL;

CREATE TABLE links (
    offer_id  INTEGER NOT NULL REFERENCES offers (id),
    item_id   INTEGER NOT NULL REFERENCES stock_items (id),
    units     INTEGER NOT NULL,
    origin    TEXT NOT NULL,
    linked_at INTEGER NOT NULL,
    PRIMARY KEY (offer_id, item_id)
) WITHOUT ROWID;
CREATE INDEX links_of_item ON links (item_id);

CREATE TABLE reservations (
    order_id     INTEGER NOT NULL REFERENCES orders (id),
    line         TEXT NOT NULL,
    item_id      INTEGER NOT NULL REFERENCES stock_items (id),
    account      TEXT NOT NULL,         -- where it was sold
    pieces       INTEGER NOT NULL,
    opened_after INTEGER NOT NULL,
    opened_at    INTEGER NOT NULL,
    taken        INTEGER NOT NULL,      -- of the pieces, those that the master has taken off its own number
    taken_after  INTEGER,               -- since this event
    settled      INTEGER NOT NULL,      -- all of it is taken, and a reading has shown it
    PRIMARY KEY (order_id, line, item_id)
) WITHOUT ROWID;
CREATE INDEX reservations_open ON reservations (item_id) WHERE settled = 0;

-- A change of what may be sold of an item: one row, however many offers sell it.
CREATE TABLE stock_marks (
    id      INTEGER PRIMARY KEY,
    item_id INTEGER NOT NULL,
    after   INTEGER NOT NULL            -- the newest event then
);

-- How far the leveller of an account has followed the marks.
CREATE TABLE level_cursors (
    account TEXT PRIMARY KEY,
    mark    INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE levels (
    offer_id        INTEGER NOT NULL REFERENCES offers (id),
    kind            TEXT NOT NULL,
    scope           TEXT NOT NULL,
    account         TEXT NOT NULL,
    wanted          INTEGER,
    wanted_after    INTEGER NOT NULL,
    wanted_at       INTEGER,
    basis_after     INTEGER NOT NULL,
    phase           TEXT NOT NULL,
    command         TEXT,
    sent            INTEGER,
    sent_at         INTEGER,
    confirmed       INTEGER,
    confirmed_after INTEGER NOT NULL,
    confirmed_at    INTEGER,
    active          INTEGER NOT NULL,
    due_at          INTEGER,
    tries           INTEGER NOT NULL,
    reason          TEXT,
    uneven          INTEGER NOT NULL,   -- it does not show what is wanted, or something of it is under way
    PRIMARY KEY (offer_id, kind, scope)
) WITHOUT ROWID;
CREATE INDEX levels_account ON levels (account, offer_id);
CREATE INDEX levels_uneven ON levels (account, offer_id) WHERE uneven = 1;
CREATE INDEX levels_command ON levels (command) WHERE command IS NOT NULL;

-- What was decided to be sent, kept before it is sent. Its number is made for this one intent and never used again.
CREATE TABLE level_commands (
    id         TEXT PRIMARY KEY,
    account    TEXT NOT NULL,
    action     TEXT NOT NULL,
    value      INTEGER,
    offers     BLOB NOT NULL,           -- their external ids
    created_at INTEGER NOT NULL,
    state      TEXT NOT NULL,           -- kept, accepted, unknown, ended
    due_at     INTEGER,                 -- when its report is to be asked for
    ended_at   INTEGER,
    report     BLOB
) WITHOUT ROWID;
CREATE INDEX level_commands_open ON level_commands (account) WHERE ended_at IS NULL;

CREATE INDEX order_lines_offer ON order_lines (account, offer_id) WHERE offer_id IS NOT NULL AND live = 1;
