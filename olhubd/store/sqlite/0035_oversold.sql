-- Rewrites: nothing
-- Orders that need more of a stock item than there is, each written once with what was known then.
CREATE TABLE oversold (
    id        INTEGER PRIMARY KEY,
    order_id  INTEGER NOT NULL REFERENCES orders (id),
    item_id   INTEGER NOT NULL REFERENCES stock_items (id),
    account   TEXT NOT NULL,        -- where it was sold
    pieces    INTEGER NOT NULL,     -- that are not there
    found_by  TEXT NOT NULL,
    cause     TEXT NOT NULL,
    found_at  INTEGER NOT NULL,
    facts     BLOB NOT NULL,
    closed_at INTEGER,              -- since when there is enough again, or a person has dealt with it
    closed_by TEXT,                 -- null where there is enough again
    reason    TEXT,
    UNIQUE (order_id, item_id)
);
CREATE INDEX oversold_open ON oversold (item_id) WHERE closed_at IS NULL;
CREATE INDEX oversold_listed ON oversold (account, id);
CREATE INDEX oversold_over ON oversold (closed_at) WHERE closed_at IS NOT NULL;

-- The last sales of an item.
CREATE INDEX reservations_of_item ON reservations (item_id, opened_after);
