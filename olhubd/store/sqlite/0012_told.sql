-- Rewrites: strangers, order_lines
-- What is known of an order with our mark whose own order is not known, so that a person is told of it.
ALTER TABLE strangers ADD COLUMN number TEXT;
ALTER TABLE strangers ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE strangers ADD COLUMN over INTEGER NOT NULL DEFAULT 0;
ALTER TABLE strangers ADD COLUMN asked_at INTEGER;
ALTER TABLE strangers ADD COLUMN answer TEXT;
ALTER TABLE strangers ADD COLUMN discarded_at INTEGER;
UPDATE strangers SET since = seen_at;
-- Which cancelled orders have the lines of one that is gone.
CREATE INDEX order_lines_left ON order_lines (account, external_id) WHERE live = 0;
