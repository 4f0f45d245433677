-- Rewrites: stock_items, offers
-- Links as people see and steer them: article numbers in the one form in which they are compared, what is known of
-- what an offer sells, by what a link was made, and why it is doubted.
ALTER TABLE stock_items ADD COLUMN gtin TEXT;
CREATE INDEX stock_items_gtin ON stock_items (gtin) WHERE gtin IS NOT NULL;
CREATE INDEX stock_items_number ON stock_items (external_id);
CREATE INDEX stock_items_listed ON stock_items (account, id);
CREATE INDEX stock_items_name ON stock_items (name COLLATE NOCASE);

ALTER TABLE offers ADD COLUMN gtin TEXT;
ALTER TABLE offers ADD COLUMN set_size INTEGER;     -- pieces of its product in one piece of the offer
ALTER TABLE offers ADD COLUMN linking TEXT NOT NULL DEFAULT 'none';
CREATE INDEX offers_gtin ON offers (gtin) WHERE gtin IS NOT NULL;
CREATE INDEX offers_number ON offers (external_id);
CREATE INDEX offers_listed ON offers (account, id);
CREATE INDEX offers_linked ON offers (account, id) WHERE linking = 'linked';
CREATE INDEX offers_state ON offers (state, id);
CREATE INDEX offers_name ON offers (name COLLATE NOCASE);
CREATE INDEX offers_linking ON offers (linking, id) WHERE linking <> 'linked';
CREATE INDEX offers_loose ON offers (id) WHERE linking <> 'linked' AND linking <> 'left';
CREATE INDEX offers_unlinked ON offers (account, linking, id) WHERE linking <> 'linked';
UPDATE offers SET linking = 'linked' WHERE id IN (SELECT offer_id FROM links);

ALTER TABLE links ADD COLUMN gtin TEXT;             -- of the offer, when it was linked
ALTER TABLE links ADD COLUMN set_size INTEGER;      -- likewise
ALTER TABLE links ADD COLUMN made_by TEXT;          -- null for the hub itself
ALTER TABLE links ADD COLUMN doubt TEXT;            -- why a person must look at it
CREATE INDEX links_doubted ON links (offer_id) WHERE doubt IS NOT NULL;

ALTER TABLE levels ADD COLUMN held TEXT;            -- why it may not be raised
CREATE INDEX levels_sold_out ON levels (offer_id) WHERE wanted = 0;
CREATE INDEX levels_uneven_offers ON levels (offer_id) WHERE uneven = 1;

-- The masters by whose items the offers of an account were linked last.
ALTER TABLE level_cursors ADD COLUMN linked_with TEXT;

-- The article numbers of what is known are found when it is read again, which nothing else would do.
UPDATE stock_items SET digest = x'' WHERE ean IS NOT NULL;
UPDATE offers SET digest = x'' WHERE ean IS NOT NULL;
