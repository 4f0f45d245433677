-- Rewrites: nothing
-- Sign-ins: the last of each account. One that is pending has its secret (a device's code, or the state and verifier
-- of a callback), until a browser has come back or it has ended.
CREATE TABLE sign_ins (
    account      TEXT PRIMARY KEY,
    key          TEXT NOT NULL,        -- distinguishes it from those of the account before
    state        TEXT NOT NULL,
    flow         TEXT NOT NULL,
    url          TEXT NOT NULL,
    user_code    TEXT,
    redirect_uri TEXT,
    secret       BLOB,
    who          TEXT NOT NULL,
    begun_at     INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    ended_at     INTEGER,
    login        TEXT,
    reason       TEXT
) WITHOUT ROWID;
CREATE INDEX sign_ins_expires ON sign_ins (expires_at);
