-- Rewrites: nothing
-- Whether the process that lost an account has asked if its holder is alive. The holder takes the question back.
ALTER TABLE leases ADD COLUMN asked INTEGER NOT NULL DEFAULT 0;
