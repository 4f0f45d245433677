-- Rewrites: alarms, reconciliations, quarantine, runs
-- What is kept for a time only is found by its time, and what is asked each minute does not cost the years before.
CREATE INDEX alarms_over ON alarms (cleared_at) WHERE cleared_at IS NOT NULL;
CREATE INDEX reconciliations_looked ON reconciliations (looked_at);
CREATE INDEX reconciliations_recent ON reconciliations (until) WHERE missing > 0 OR surplus > 0;
CREATE INDEX quarantine_discarded ON quarantine (last_at, discarded_at) WHERE discarded_at IS NOT NULL;
CREATE INDEX quarantine_waiting ON quarantine (account) WHERE discarded_at IS NULL;
DROP INDEX runs_missed;
CREATE INDEX runs_missed ON runs (started_at, account, missed) WHERE missed > 0;
