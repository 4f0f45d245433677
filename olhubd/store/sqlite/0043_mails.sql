-- Rewrites: nothing
-- Mails to buyers: since when they are written to about what, and how far the log was followed for that.
CREATE TABLE mail_switches (
    through  TEXT NOT NULL,        -- the account of the mail server
    account  TEXT NOT NULL,        -- where the order was placed
    occasion TEXT NOT NULL,
    since    INTEGER NOT NULL,
    after    INTEGER NOT NULL,     -- the newest event when it was switched on
    PRIMARY KEY (through, account, occasion)
);
CREATE TABLE mail_cursor (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    event_id INTEGER NOT NULL
);
