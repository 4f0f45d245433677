-- Rewrites: list_prices, products, runs
-- The catalogue and the price lists as people look through them: in which currency a price is, what price lists
-- there are with how many prices, and which products their source does not share any more.
ALTER TABLE list_prices ADD COLUMN currency TEXT;    -- null where the list has no price for the product
UPDATE list_prices SET currency = COALESCE(
    json_extract(CAST(document AS TEXT), '$.price.currency'),
    json_extract(CAST(document AS TEXT), '$.reduction.price.currency')
);
CREATE INDEX list_prices_listed ON list_prices (account, id);
CREATE INDEX list_prices_list ON list_prices (price_list, id);
CREATE INDEX list_prices_currency ON list_prices (currency, id) WHERE currency IS NOT NULL;

CREATE TABLE price_lists (
    account    TEXT NOT NULL,        -- the stock master
    name       TEXT NOT NULL,
    currency   TEXT NOT NULL,        -- empty for products that the list names without a price
    prices     INTEGER NOT NULL,     -- how many there are
    found_at   INTEGER NOT NULL,     -- when the first was read
    PRIMARY KEY (account, name, currency)
) WITHOUT ROWID;
INSERT INTO price_lists
    SELECT account, price_list, COALESCE(currency, ''), COUNT(*), MIN(read_at)
    FROM list_prices GROUP BY account, price_list, COALESCE(currency, '');

ALTER TABLE products ADD COLUMN shared INTEGER NOT NULL DEFAULT 1;
CREATE INDEX products_kind ON products (kind, id);
CREATE INDEX products_unshared ON products (id) WHERE shared = 0;

-- The history of imports.
CREATE INDEX runs_imports ON runs (id) WHERE feed = 'products';
CREATE INDEX runs_imports_of_account ON runs (account, id) WHERE feed = 'products';
