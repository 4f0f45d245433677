-- Rewrites: nothing
-- The seller's own list of statuses, where the configuration file has none, and which of them an order has.
CREATE TABLE own_statuses (
    name       TEXT NOT NULL PRIMARY KEY,
    position   INTEGER NOT NULL,
    document   BLOB NOT NULL,          -- its title and its words at accounts
    changed_by TEXT NOT NULL,
    changed_at INTEGER NOT NULL
) WITHOUT ROWID;
ALTER TABLE orders ADD COLUMN own_status TEXT;
CREATE INDEX orders_own_status ON orders (own_status, id) WHERE own_status IS NOT NULL;
