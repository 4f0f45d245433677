-- Rewrites: nothing
-- What an offer may still sell, where what is sold is divided among several, and the change by which it is written.
ALTER TABLE levels ADD COLUMN allocated INTEGER NOT NULL DEFAULT 0;
ALTER TABLE levels ADD COLUMN bound INTEGER;            -- with what was bought by orders that have not landed
ALTER TABLE levels ADD COLUMN bound_after INTEGER NOT NULL DEFAULT 0;
ALTER TABLE levels ADD COLUMN change INTEGER;
ALTER TABLE levels ADD COLUMN reported INTEGER NOT NULL DEFAULT 0;
ALTER TABLE level_commands ADD COLUMN change INTEGER;
