-- Rewrites: nothing
-- Changes of many offers at once that wait for a person, and what orders have changed of an item.
CREATE TABLE stock_plans (
    id         INTEGER PRIMARY KEY,
    account    TEXT NOT NULL,       -- whose offers
    master     TEXT NOT NULL,       -- whose numbers
    state      TEXT NOT NULL,
    danger     TEXT NOT NULL,       -- what stopped it
    counted    INTEGER NOT NULL,    -- how many dangerous changes there were then
    showing    INTEGER NOT NULL,    -- of how many offers, as far as was counted
    made_at    INTEGER NOT NULL,
    decided_at INTEGER,
    decided_by TEXT,
    reason     TEXT,
    ended_at   INTEGER,             -- since when it holds no offer any more
    tally      BLOB,                -- what it was when it ended
    examples   BLOB
);
CREATE INDEX stock_plans_open ON stock_plans (account) WHERE ended_at IS NULL;
CREATE INDEX stock_plans_listed ON stock_plans (account, id);

-- The offers that a plan holds back.
CREATE TABLE stock_plan_offers (
    offer_id INTEGER PRIMARY KEY REFERENCES offers (id),
    plan_id  INTEGER NOT NULL REFERENCES stock_plans (id),
    wanted   INTEGER NOT NULL,      -- what the master's numbers make it
    danger   TEXT                   -- null where this change alone is harmless
);
CREATE INDEX stock_plan_offers_of ON stock_plan_offers (plan_id, danger, offer_id);

-- Dangerous changes that were let through of late.
CREATE TABLE stock_dangers (
    account  TEXT NOT NULL,
    master   TEXT NOT NULL,
    offer_id INTEGER NOT NULL REFERENCES offers (id),
    danger   TEXT NOT NULL,
    shown    INTEGER NOT NULL,      -- before
    at       INTEGER NOT NULL,
    PRIMARY KEY (account, master, offer_id, danger)
) WITHOUT ROWID;
CREATE INDEX stock_dangers_at ON stock_dangers (account, master, at);

-- Pieces that orders took of the item; below zero where they gave some back.
ALTER TABLE stock_marks ADD COLUMN sold INTEGER NOT NULL DEFAULT 0;
