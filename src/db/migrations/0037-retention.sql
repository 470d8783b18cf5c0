-- What retention gave up, so that pages can say so and nobody looks for it again; what a repository wants otherwise; and
-- what went when.
ALTER TABLE lane_attempts ADD COLUMN log_removed_at INTEGER;

ALTER TABLE revisions ADD COLUMN unpinned_at INTEGER;

CREATE TABLE repo_retention (
  repo_id       INTEGER PRIMARY KEY REFERENCES repos (id) ON DELETE CASCADE,
  log_days      INTEGER CHECK (log_days > 0),
  artifact_days INTEGER CHECK (artifact_days > 0),
  run_days      INTEGER CHECK (run_days > 0),
  revision_days INTEGER CHECK (revision_days > 0)
) STRICT;

CREATE TABLE retention_removals (
  day   TEXT NOT NULL,
  kind  TEXT NOT NULL,
  count INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  PRIMARY KEY (day, kind)
) STRICT, WITHOUT ROWID;

-- Asked for every run that may go, and by the foreign keys of a run that goes.
CREATE INDEX branches_open_heads ON branches (repo_id, head_oid) WHERE state = 'open';
CREATE INDEX landings_by_end_run ON landings (end_run_id) WHERE end_run_id IS NOT NULL;
CREATE INDEX landings_by_candidate ON landings (candidate_id) WHERE candidate_id IS NOT NULL;
CREATE INDEX landing_candidates_above ON landing_candidates (stands_on) WHERE stands_on IS NOT NULL;
