-- Rewrites: orders, order_lines, copies
-- The list of orders among a million, again by measurement: what fits one filter is counted in its index, up to a
-- few thousand. If it is few, these are judged; else the list is walked, newest first, and meets one soon. A walk
-- reads an index that holds all that is judged, never the rows, whose documents are long.
DROP INDEX orders_of_account;
CREATE INDEX orders_of_account ON orders (account, id, stage, fulfilment, amount);
DROP INDEX orders_placed;
CREATE INDEX orders_placed ON orders (account, placed_at, id, stage, fulfilment, amount);
DROP INDEX orders_dated;
CREATE INDEX orders_dated ON orders (placed_at, id, account, stage, fulfilment, amount, buyer COLLATE NOCASE);
CREATE INDEX orders_listed ON orders (id, account, stage, fulfilment, amount, placed_at, buyer COLLATE NOCASE);
CREATE INDEX orders_progress ON orders (fulfilment, stage);
CREATE INDEX orders_amount ON orders (amount);

-- The same of what is unlinked: counted without a look at the rows.
DROP INDEX copies_unlinked;
CREATE INDEX copies_unlinked ON copies (order_id, unlinked) WHERE unlinked <> x'5b5d';
DROP INDEX order_lines_nameless;
CREATE INDEX order_lines_nameless ON order_lines (order_id, sku, ean) WHERE sku IS NULL AND ean IS NULL;

-- An order by a number that a person has, whatever account it is of: there may be a thousand.
CREATE INDEX orders_external ON orders (external_id);
CREATE INDEX copies_named ON copies (external_id);
