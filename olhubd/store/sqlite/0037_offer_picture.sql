-- Rewrites: nothing
-- The main picture of an offer, as an address: people know their goods by sight.
ALTER TABLE offers ADD COLUMN image TEXT;
