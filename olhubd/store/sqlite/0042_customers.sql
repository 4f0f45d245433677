-- Rewrites: orders
-- Who bought, one row for each buyer of an account, filled from the orders that are held by olhubd.store.sqlite.fill.
CREATE TABLE customers (
    id        INTEGER PRIMARY KEY,
    account   TEXT NOT NULL,
    identity  TEXT NOT NULL,        -- what the system knows the buyer by; never an e-mail
    territory TEXT,                 -- where they are for VAT
    document  BLOB NOT NULL,        -- the record
    first_at  INTEGER NOT NULL,     -- when their first order was placed
    last_at   INTEGER NOT NULL,
    UNIQUE (account, identity)
);
CREATE INDEX customers_listed ON customers (id, account, territory);
CREATE INDEX customers_of_account ON customers (account, id, territory);
CREATE INDEX customers_territory ON customers (territory, id);

-- What they are found by, as it is compared.
CREATE TABLE customer_terms (
    term        TEXT NOT NULL,
    customer_id INTEGER NOT NULL,
    PRIMARY KEY (term, customer_id)
) WITHOUT ROWID;
CREATE INDEX customer_terms_of ON customer_terms (customer_id, term);

-- Who bought which order.
CREATE TABLE customer_orders (
    order_id    INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL
);
CREATE INDEX customer_orders_of ON customer_orders (customer_id, order_id);
