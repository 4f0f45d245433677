-- Rewrites: nothing
-- How often in a row the outcome of a delivery was not known, and what was said of it last: the bound after which a
-- person is asked holds over restarts.
ALTER TABLE deliveries ADD COLUMN unknown_tries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN unknown_words TEXT;
