-- Rewrites: nothing
-- Settings of accounts that people change while the daemon runs, and what an account's own system says of it.
CREATE TABLE account_settings (
    account    TEXT NOT NULL,
    key        TEXT NOT NULL,        -- as people write it, such as seller_address.city
    said_by    TEXT NOT NULL,        -- "person" or "system"
    value      TEXT NOT NULL,        -- as people write it
    changed_by TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (account, key, said_by)
) WITHOUT ROWID;
