-- Rewrites: nothing
-- What an offer sells by the catalogue of its marketplace: which products, and how many pieces of each. Where an offer
-- bears no article number of its own, its product does.
ALTER TABLE offers ADD COLUMN products_read_at INTEGER NOT NULL DEFAULT 0;  -- 0 is never, or to be read again soon
ALTER TABLE offers ADD COLUMN happened_at INTEGER;  -- when something last happened to it by which it may be linked
CREATE INDEX offers_by_products_read ON offers (account, products_read_at);
CREATE TABLE offer_products (
    offer_id INTEGER NOT NULL REFERENCES offers (id),
    product  TEXT NOT NULL,        -- its number in the marketplace's catalogue
    pieces   INTEGER NOT NULL,
    PRIMARY KEY (offer_id, product)
);
CREATE TABLE catalogue_products (
    account TEXT NOT NULL,         -- by which it was read
    product TEXT NOT NULL,
    eans    TEXT NOT NULL,         -- its article numbers as they are written, between spaces
    read_at INTEGER NOT NULL,
    PRIMARY KEY (account, product)
);
