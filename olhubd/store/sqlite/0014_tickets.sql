-- Rewrites: nothing
-- What a target accepted and does later is known there by a ticket, under which its report is asked for.
ALTER TABLE deliveries ADD COLUMN ticket TEXT;
