-- Rewrites: nothing
-- Who may ask, and what was asked with a key so that asking twice does it once. Digests, never what they are of.

CREATE TABLE tokens (
    name       TEXT PRIMARY KEY,
    digest     BLOB NOT NULL UNIQUE,
    scope      TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    expires_at INTEGER,
    used_at    INTEGER
) WITHOUT ROWID;

CREATE TABLE requests (
    who    TEXT NOT NULL,
    key    TEXT NOT NULL,
    digest BLOB NOT NULL,
    at     INTEGER NOT NULL,
    status INTEGER,                 -- without one it was begun and its end is not known
    body   BLOB,
    PRIMARY KEY (who, key)
) WITHOUT ROWID;
CREATE INDEX requests_at ON requests (at);
