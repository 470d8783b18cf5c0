-- What the reports of an attempt told in total; an attempt without reports has no row. Lane and tree stand here again,
-- so that other results of the same files are found at once. `reports` is JSON: each report, and why it was not read.
-- `is_kept` says whether its single results still stand in test_history.
CREATE TABLE test_totals (
  attempt_id INTEGER PRIMARY KEY REFERENCES lane_attempts (id) ON DELETE CASCADE,
  repo_id    INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  lane_key   TEXT NOT NULL,
  tree_oid   TEXT NOT NULL,
  passed     INTEGER NOT NULL,
  failed     INTEGER NOT NULL,
  errors     INTEGER NOT NULL,
  skipped    INTEGER NOT NULL,
  reports    TEXT NOT NULL,
  is_kept    INTEGER NOT NULL
) STRICT;
CREATE INDEX test_totals_kept ON test_totals (repo_id, lane_key, attempt_id) WHERE is_kept = 1;
CREATE INDEX test_totals_by_tree ON test_totals (repo_id, lane_key, tree_oid);

-- A test of a lane, over all branches. It was seen both to pass and to fail with the same files at `flaky_at`.
CREATE TABLE tests (
  id           INTEGER PRIMARY KEY,
  repo_id      INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  lane_key     TEXT NOT NULL,
  suite        TEXT NOT NULL,
  name         TEXT NOT NULL,
  last_attempt INTEGER NOT NULL,
  last_state   TEXT NOT NULL CHECK (last_state IN ('passed', 'failed', 'skipped', 'error')),
  last_ms      INTEGER,
  flaky_at     INTEGER,
  UNIQUE (repo_id, lane_key, suite, name)
) STRICT;
CREATE INDEX tests_by_last ON tests (repo_id, lane_key, last_attempt);

-- How a test ended in an attempt. What failed has its message and output in test_results.
CREATE TABLE test_history (
  test_id     INTEGER NOT NULL REFERENCES tests (id) ON DELETE CASCADE,
  attempt_id  INTEGER NOT NULL REFERENCES lane_attempts (id) ON DELETE CASCADE,
  state       TEXT NOT NULL CHECK (state IN ('passed', 'failed', 'skipped', 'error')),
  duration_ms INTEGER,
  PRIMARY KEY (test_id, attempt_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX test_history_by_attempt ON test_history (attempt_id);
