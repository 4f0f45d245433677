-- Rewrites: nothing
-- Accounts on which a person has stopped all selling, and what is to be shown again when that is over.
CREATE TABLE sales_stops (
    account    TEXT PRIMARY KEY,
    stopped_at INTEGER NOT NULL,
    stopped_by TEXT NOT NULL,
    reason     TEXT
) WITHOUT ROWID;

-- Offers that could be bought when it was stopped.
CREATE TABLE stopped_offers (
    offer_id INTEGER PRIMARY KEY REFERENCES offers (id),
    account  TEXT NOT NULL
);
CREATE INDEX stopped_offers_of ON stopped_offers (account, offer_id);

ALTER TABLE levels ADD COLUMN beneath INTEGER;   -- what it would show if its account were not stopped
