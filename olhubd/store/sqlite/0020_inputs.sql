-- Rewrites: inputs
-- An input names the first event that was written with it, in place of the numbers that came next before it: which
-- numbers come next is known to nobody once several processes take them.
ALTER TABLE inputs ADD COLUMN event INTEGER;
UPDATE inputs SET event = json_extract(upcoming, '$[1]') WHERE json_valid(upcoming);
ALTER TABLE inputs DROP COLUMN upcoming;
