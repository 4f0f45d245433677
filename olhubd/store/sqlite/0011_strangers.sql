-- Rewrites: nothing
-- Orders with our mark that a target told of before the hub knew its copy there: looked at again when it does.
CREATE TABLE strangers (
    account     TEXT NOT NULL,
    external_id TEXT NOT NULL,
    reference   TEXT NOT NULL,
    shipments   BLOB NOT NULL,
    seen_at     INTEGER NOT NULL,
    PRIMARY KEY (account, external_id)
);
CREATE INDEX strangers_reference ON strangers (reference);
