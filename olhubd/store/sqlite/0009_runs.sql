-- Rewrites: runs
-- Runs that a process left unfinished, found at each start; and quiet ones, which are forgotten after their time.
CREATE INDEX runs_running ON runs (id) WHERE state = 'running';
CREATE INDEX runs_quiet ON runs (ended_at)
    WHERE state = 'done' AND added = 0 AND changed = 0 AND quarantined = 0 AND missed = 0;
