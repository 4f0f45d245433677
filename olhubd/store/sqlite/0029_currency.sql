-- Rewrites: nothing
-- In which currency the amounts of a level are that is a price.
ALTER TABLE levels ADD COLUMN currency TEXT;
