-- Rewrites: nothing
-- What the price lists of the stock masters say: a row for each product in each list, and the marks of its changes.
CREATE TABLE list_prices (
    id          INTEGER PRIMARY KEY,
    account     TEXT NOT NULL,       -- the stock master
    external_id TEXT NOT NULL,       -- of the price: the item's number and the list
    item        TEXT NOT NULL,       -- the product's or variant's number at the master
    price_list  TEXT NOT NULL,
    document    BLOB NOT NULL,       -- the record
    digest      BLOB NOT NULL,       -- of the record
    read_after  INTEGER NOT NULL,    -- the newest event when this reading was asked for
    read_at     INTEGER NOT NULL,
    changes_at  INTEGER,             -- when it changes next by the clock alone
    UNIQUE (account, external_id)
);
CREATE INDEX list_prices_of_item ON list_prices (account, item);
CREATE INDEX list_prices_clock ON list_prices (changes_at) WHERE changes_at IS NOT NULL;

-- A price that was newly brought, or that changed by the clock: one row, however many offers are sold at it.
CREATE TABLE price_marks (
    id       INTEGER PRIMARY KEY,
    price_id INTEGER NOT NULL,
    after    INTEGER NOT NULL        -- the newest event then
);

-- How far each account that sells at them has followed the marks.
CREATE TABLE price_cursors (
    account TEXT PRIMARY KEY,
    mark    INTEGER NOT NULL
) WITHOUT ROWID;
