-- Rewrites: nothing
-- What the offers are to be that the hub makes: one row for each mark of the seller at an account.
CREATE TABLE offer_drafts (
    id         INTEGER PRIMARY KEY,
    account    TEXT NOT NULL,        -- where the offer is made
    sku        TEXT NOT NULL,        -- the seller's own mark, by which it is looked up
    document   BLOB NOT NULL,        -- the record
    version    INTEGER NOT NULL,     -- how often it was given
    publish    INTEGER NOT NULL,     -- whether buyers are to buy it, or it stays a draft
    made_by    TEXT NOT NULL,        -- who asked for it last
    changed_at INTEGER NOT NULL,
    offer      TEXT,                 -- the number of the offer that was made
    UNIQUE (account, sku)
);
