-- Rewrites: nothing
-- What came from outside and was decided upon, in the order of commits; one row a transaction, packed.
CREATE TABLE inputs (
    id       INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    kind     TEXT NOT NULL,
    upcoming TEXT NOT NULL,         -- the ids that were next: of an order, event, delivery, quarantined record
    document BLOB NOT NULL          -- JSON under zlib
);
CREATE INDEX inputs_at ON inputs (at);
