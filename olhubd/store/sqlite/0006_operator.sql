-- Rewrites: nothing
-- What a person said of an order: a note, and words that stand in place of the source's until that says something new.
CREATE TABLE remarks (
    order_id   INTEGER PRIMARY KEY REFERENCES orders (id),
    document   BLOB NOT NULL,
    changed_at INTEGER NOT NULL
);

-- A record that a person gave up stays given up until its source tells it otherwise.
ALTER TABLE quarantine ADD COLUMN discarded_at INTEGER;
ALTER TABLE quarantine ADD COLUMN discarded_why TEXT;

ALTER TABLE accounts ADD COLUMN title TEXT;        -- what a person calls it, in place of the configured title
ALTER TABLE accounts ADD COLUMN fingerprint TEXT;  -- which system it was when it last proved whose it is
ALTER TABLE accounts ADD COLUMN removed_at INTEGER;
