-- Rewrites: nothing
-- Who holds an account: whoever takes it over raises its epoch, and what is written under an older one is refused.
CREATE TABLE leases (
    account  TEXT PRIMARY KEY,
    epoch    INTEGER NOT NULL,
    holder   TEXT NOT NULL,
    taken_at INTEGER NOT NULL
) WITHOUT ROWID;
ALTER TABLE feeds ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;        -- under which the cursor was moved
ALTER TABLE deliveries ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;   -- under which it was claimed, of its target
ALTER TABLE credentials ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;  -- under which the token was saved
