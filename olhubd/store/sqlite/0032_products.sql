-- Rewrites: nothing
-- What the stock masters have in their catalogues.
CREATE TABLE products (
    id          INTEGER PRIMARY KEY,
    account     TEXT NOT NULL,       -- the stock master
    external_id TEXT NOT NULL,
    name        TEXT NOT NULL,
    kind        TEXT NOT NULL,
    state       TEXT NOT NULL,
    on_sale     INTEGER NOT NULL,
    sku         TEXT,
    gtin        TEXT,                -- its article number, in the form in which they are compared
    parent_id   TEXT,                -- of a variant: the parent's number at the master
    document    BLOB NOT NULL,       -- the record
    digest      BLOB NOT NULL,       -- of the record
    read_after  INTEGER NOT NULL,    -- the newest event when this reading was asked for
    read_at     INTEGER NOT NULL,
    gone_at     INTEGER,             -- since when a reading of all has not had it
    UNIQUE (account, external_id)
);
CREATE INDEX products_sku ON products (sku) WHERE sku IS NOT NULL;
CREATE INDEX products_gtin ON products (gtin) WHERE gtin IS NOT NULL;
CREATE INDEX products_number ON products (external_id);
CREATE INDEX products_listed ON products (account, id);
CREATE INDEX products_name ON products (name COLLATE NOCASE);
CREATE INDEX products_state ON products (state, id);
CREATE INDEX products_variants ON products (account, parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX products_gone ON products (id) WHERE gone_at IS NOT NULL;
