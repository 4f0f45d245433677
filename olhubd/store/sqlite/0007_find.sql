-- Rewrites: orders, order_lines, copies, events, runs
-- What a person looks for among a million orders: the filters of the list, and lines without a product.

-- The total in ten-thousandths, to compare and for nothing else: what is told and counted is the text.
ALTER TABLE orders ADD COLUMN amount INTEGER;
UPDATE orders SET amount = CAST(ROUND(CAST(total AS REAL) * 10000) AS INTEGER);

-- Each filter is judged within an index; the rows, whose documents are long, are read for one page alone.
DROP INDEX orders_of_account;
CREATE INDEX orders_of_account ON orders (account, stage, id, fulfilment, amount);
CREATE INDEX orders_dated ON orders (placed_at, id, account, stage, fulfilment, amount);
CREATE INDEX orders_buyer ON orders (buyer COLLATE NOCASE) WHERE buyer IS NOT NULL;
CREATE INDEX order_lines_sku ON order_lines (sku) WHERE sku IS NOT NULL;
CREATE INDEX order_lines_ean ON order_lines (ean) WHERE ean IS NOT NULL;

-- At a target, bound to no product there; here, without anything a product could be known by.
CREATE INDEX copies_unlinked ON copies (order_id) WHERE unlinked <> x'5b5d';
CREATE INDEX order_lines_nameless ON order_lines (order_id) WHERE sku IS NULL AND ean IS NULL;

-- The words of sources that mappings are about, each with where it was seen. Written as orders land.
CREATE TABLE sightings (
    account  TEXT NOT NULL,
    kind     TEXT NOT NULL,         -- delivery, payment, stage, progress; status at a target
    value    TEXT NOT NULL,         -- what a mapping names it by
    label    TEXT NOT NULL,         -- what people call it
    known    TEXT,                  -- the hub's own word for it, where it has one
    orders   INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at  INTEGER NOT NULL,
    example  INTEGER NOT NULL,      -- the last order it was seen on
    PRIMARY KEY (account, kind, value)
) WITHOUT ROWID;

-- The journal: one account's events in their order, those that are not everyday ones, and runs that went wrong.
CREATE INDEX events_journal ON events (account, id);
CREATE INDEX events_notable ON events (kind, id, account)
    WHERE kind NOT IN ('order.placed', 'order.confirmed', 'order.paid', 'delivery.confirmed');
CREATE INDEX runs_failed ON runs (id) WHERE state IN ('failed', 'lost');

INSERT INTO sightings
SELECT account, 'delivery', COALESCE(CAST(document AS TEXT) ->> '$.shipping.method_id', CAST(document AS TEXT) ->> '$.shipping.method'),
    COALESCE(MAX(CAST(document AS TEXT) ->> '$.shipping.method'), CAST(document AS TEXT) ->> '$.shipping.method_id'), NULL,
    COUNT(*), MIN(created_at), MAX(created_at), MAX(id)
FROM orders
WHERE COALESCE(CAST(document AS TEXT) ->> '$.shipping.method_id', CAST(document AS TEXT) ->> '$.shipping.method') IS NOT NULL
GROUP BY 1, 3;
INSERT INTO sightings
SELECT account, 'payment', COALESCE(CAST(document AS TEXT) ->> '$.payment.external_type', CAST(document AS TEXT) ->> '$.payment.type'),
    COALESCE(MAX(CAST(document AS TEXT) ->> '$.payment.external_type'), CAST(document AS TEXT) ->> '$.payment.type'), MAX(CAST(document AS TEXT) ->> '$.payment.type'),
    COUNT(*), MIN(created_at), MAX(created_at), MAX(id)
FROM orders WHERE CAST(document AS TEXT) ->> '$.payment.type' IS NOT NULL GROUP BY 1, 3;
INSERT INTO sightings
SELECT account, 'stage', CAST(document AS TEXT) ->> '$.external_stage', CAST(document AS TEXT) ->> '$.external_stage', MAX(stage),
    COUNT(*), MIN(created_at), MAX(created_at), MAX(id)
FROM orders GROUP BY 1, 3;
INSERT INTO sightings
SELECT account, 'progress', CAST(document AS TEXT) ->> '$.external_fulfilment', CAST(document AS TEXT) ->> '$.external_fulfilment', MAX(fulfilment),
    COUNT(*), MIN(created_at), MAX(created_at), MAX(id)
FROM orders WHERE CAST(document AS TEXT) ->> '$.external_fulfilment' IS NOT NULL GROUP BY 1, 3;
INSERT INTO sightings
SELECT account, 'status', status, status, NULL, COUNT(*), MIN(created_at), MAX(COALESCE(seen_at, created_at)), MAX(order_id)
FROM copies WHERE status IS NOT NULL GROUP BY 1, 3;
