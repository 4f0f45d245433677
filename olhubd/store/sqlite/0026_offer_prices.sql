-- Rewrites: nothing
-- Prices out: what an offer costs, whether its price follows its product, and since when an account's prices do.
ALTER TABLE offers ADD COLUMN price TEXT;               -- an exact amount; null is not known
ALTER TABLE offers ADD COLUMN currency TEXT;
ALTER TABLE offers ADD COLUMN price_rule TEXT;          -- the marketplace's own rule that sets it
ALTER TABLE offers ADD COLUMN listed_at INTEGER;
ALTER TABLE offers ADD COLUMN price_sync INTEGER NOT NULL DEFAULT 0;

ALTER TABLE levels ADD COLUMN approved INTEGER;         -- what a person has approved to be sent
CREATE INDEX levels_held_prices ON levels (account) WHERE kind = 'price' AND (uneven = 1 OR held IS NOT NULL);
ALTER TABLE level_commands ADD COLUMN kind TEXT NOT NULL DEFAULT 'quantity';

-- The accounts whose prices follow a list, and since when.
CREATE TABLE price_switches (
    account TEXT PRIMARY KEY,
    since   INTEGER NOT NULL
) WITHOUT ROWID;
