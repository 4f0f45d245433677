-- Rewrites: orders, runs
-- What the overview asks again and again: how many orders landed in each hour, which runs went wrong.

CREATE INDEX orders_landed ON orders (created_at);
CREATE INDEX runs_wrong ON runs (account, id) WHERE state IN ('failed', 'lost');
