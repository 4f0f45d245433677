-- Rewrites: nothing
-- What is known of an offer beside its quantity, who may bring it back, who else changes it, and offers that sell
-- what the hub sells and are linked to nothing.
ALTER TABLE levels ADD COLUMN step TEXT;
ALTER TABLE levels ADD COLUMN inside INTEGER;
ALTER TABLE levels ADD COLUMN ended_here INTEGER NOT NULL DEFAULT 0;
ALTER TABLE levels ADD COLUMN resumes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE levels ADD COLUMN resume_by TEXT;
ALTER TABLE levels ADD COLUMN drifts TEXT;
ALTER TABLE levels ADD COLUMN disputed_at INTEGER;
ALTER TABLE levels ADD COLUMN disputed_over INTEGER;
CREATE INDEX levels_disputed ON levels (account) WHERE disputed_at IS NOT NULL;

CREATE TABLE offer_terms (
    offer_id   INTEGER PRIMARY KEY REFERENCES offers (id),
    account    TEXT NOT NULL,
    state      TEXT NOT NULL,
    buy_now    INTEGER,             -- null is not known
    renews     INTEGER,
    ended_at   INTEGER,
    ended_by   TEXT,
    read_after INTEGER NOT NULL     -- the newest event when they were asked for
);
CREATE INDEX offer_terms_renews ON offer_terms (account) WHERE renews = 1;

-- Offers that could be bought and sell what is known, when nobody had linked them.
CREATE TABLE unknown_offers (
    offer_id   INTEGER PRIMARY KEY REFERENCES offers (id),
    account    TEXT NOT NULL,
    known      TEXT NOT NULL,       -- what it sells, as people know it: another offer's number, or a mark of the seller
    seen_at    INTEGER NOT NULL,
    ignored_at INTEGER,
    ignored_by TEXT
);
CREATE INDEX unknown_offers_open ON unknown_offers (account) WHERE ignored_at IS NULL;
