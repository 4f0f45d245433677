-- Rewrites: nothing
-- Numbers of rows that are known before the row is written: the first that is neither used nor in somebody's hand.
CREATE TABLE sequences (
    name     TEXT PRIMARY KEY,
    upcoming INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO sequences SELECT 'runs', COALESCE(MAX(id), 0) + 1 FROM runs;
INSERT INTO sequences SELECT 'alarms', COALESCE(MAX(id), 0) + 1 FROM alarms;
INSERT INTO sequences SELECT 'reconciliations', COALESCE(MAX(id), 0) + 1 FROM reconciliations;
