-- Where a lane runs, and what else its manifest asks for: JSON of LaneExtras in ci/model.ts.
ALTER TABLE lanes ADD COLUMN target TEXT NOT NULL DEFAULT 'local';
ALTER TABLE lanes ADD COLUMN spec TEXT NOT NULL DEFAULT '{}';

-- `not_before` holds a retry back; `cause` is why the attempt exists; the folder of an attempt is kept for a
-- debug shell until `kept_until`.
ALTER TABLE lane_attempts ADD COLUMN not_before INTEGER;
ALTER TABLE lane_attempts ADD COLUMN cause TEXT CHECK (cause IN ('push', 'rerun', 'retry', 'requeue', 'nightly'));
ALTER TABLE lane_attempts ADD COLUMN kept_until INTEGER;
CREATE INDEX lane_attempts_kept ON lane_attempts (kept_until) WHERE kept_until IS NOT NULL;

-- A nightly run belongs to no branch: its id in the manifest and the moment of its schedule name it, so it runs once.
-- `policy_oid` is the commit of the target branch whose manifest said which lanes are required.
ALTER TABLE runs ADD COLUMN nightly TEXT;
ALTER TABLE runs ADD COLUMN due_at INTEGER;
ALTER TABLE runs ADD COLUMN policy_oid TEXT;
CREATE UNIQUE INDEX runs_once_per_nightly ON runs (repo_id, nightly, due_at) WHERE nightly IS NOT NULL;

-- The commit of the default branch whose nightlies stand in ci_nightlies, and why they could not be read.
CREATE TABLE ci_schedules (
  repo_id    INTEGER PRIMARY KEY REFERENCES repos (id) ON DELETE CASCADE,
  oid        TEXT NOT NULL,
  problem    TEXT,
  changed_at INTEGER NOT NULL
) STRICT;

CREATE TABLE ci_nightlies (
  repo_id  INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  id       TEXT NOT NULL,
  schedule TEXT NOT NULL,
  due_at   INTEGER NOT NULL,
  PRIMARY KEY (repo_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX ci_nightlies_due ON ci_nightlies (due_at);

-- The health of the places lanes run on; a target without a row is well. `failures` counts those in a row. Where all
-- of them come from one repository, `repo_id` names it, and only its lanes are kept away. `lane` is the last that failed.
CREATE TABLE ci_targets (
  name            TEXT PRIMARY KEY,
  failures        INTEGER NOT NULL DEFAULT 0,
  unhealthy_until INTEGER,
  message         TEXT,
  repo_id         INTEGER REFERENCES repos (id) ON DELETE SET NULL,
  lane            TEXT,
  changed_at      INTEGER NOT NULL
) STRICT;

-- While there is a row, no lane is claimed.
CREATE TABLE ci_pause (
  id        INTEGER PRIMARY KEY CHECK (id = 1),
  paused_at INTEGER NOT NULL,
  paused_by INTEGER REFERENCES accounts (id),
  reason    TEXT NOT NULL
) STRICT;

-- What the reports of an attempt say of single tests, in the order of the reports.
CREATE TABLE test_results (
  attempt_id  INTEGER NOT NULL REFERENCES lane_attempts (id) ON DELETE CASCADE,
  position    INTEGER NOT NULL,
  suite       TEXT NOT NULL,
  name        TEXT NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('passed', 'failed', 'skipped', 'error')),
  duration_ms INTEGER,
  message     TEXT,
  output      TEXT,
  file        TEXT,
  line        INTEGER,
  PRIMARY KEY (attempt_id, position)
) STRICT, WITHOUT ROWID;

-- The files an attempt left behind; their bytes lie in the folder of its claim.
CREATE TABLE artifacts (
  attempt_id INTEGER NOT NULL REFERENCES lane_attempts (id) ON DELETE CASCADE,
  path       TEXT NOT NULL,
  bytes      INTEGER NOT NULL,
  sha256     TEXT NOT NULL,
  PRIMARY KEY (attempt_id, path)
) STRICT, WITHOUT ROWID;

-- Caches of lanes. A scope keeps what a branch saved away from what the default branch saved.
CREATE TABLE ci_caches (
  id         INTEGER PRIMARY KEY,
  repo_id    INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  scope      TEXT NOT NULL,
  key        TEXT NOT NULL,
  bytes      INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  used_at    INTEGER NOT NULL,
  UNIQUE (repo_id, scope, key)
) STRICT;

-- Named secrets of a repository, sealed with the key of the data directory; `refs` is a JSON list of patterns.
CREATE TABLE ci_secrets (
  repo_id    INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  name       TEXT NOT NULL,
  sealed     BLOB NOT NULL,
  refs       TEXT NOT NULL,
  updated_at INTEGER NOT NULL,
  updated_by INTEGER REFERENCES accounts (id),
  PRIMARY KEY (repo_id, name)
) STRICT, WITHOUT ROWID;
