-- One CI run for one commit. Its state is computed from the newest attempts of its lanes;
-- `problem` is set when the run could not be given lanes (a malformed manifest).
CREATE TABLE runs (
  id         INTEGER PRIMARY KEY,
  repo_id    INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  number     INTEGER NOT NULL,
  kind       TEXT NOT NULL CHECK (kind IN ('branch', 'landing', 'nightly')),
  branch_id  INTEGER REFERENCES branches (id) ON DELETE CASCADE,
  revision   INTEGER,
  head_oid   TEXT NOT NULL,
  tree_oid   TEXT NOT NULL,
  base_oid   TEXT,
  state      TEXT NOT NULL CHECK (state IN ('queued', 'running', 'success', 'failed', 'cancelled')),
  problem    TEXT,
  created_at INTEGER NOT NULL,
  finished_at INTEGER,
  UNIQUE (repo_id, number)
) STRICT;
CREATE INDEX runs_by_branch ON runs (branch_id, revision);
CREATE INDEX runs_by_head ON runs (repo_id, head_oid);
CREATE UNIQUE INDEX runs_once_per_revision ON runs (branch_id, revision) WHERE kind = 'branch';

-- One command of a run, as the manifest at that commit states it.
CREATE TABLE lanes (
  id              INTEGER PRIMARY KEY,
  run_id          INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  position        INTEGER NOT NULL,
  key             TEXT NOT NULL,
  title           TEXT NOT NULL,
  command         TEXT NOT NULL,
  env             TEXT NOT NULL,
  needs           TEXT NOT NULL,
  group_name      TEXT,
  required        INTEGER NOT NULL,
  timeout_seconds INTEGER NOT NULL,
  idle_seconds    INTEGER NOT NULL,
  UNIQUE (run_id, key)
) STRICT;

-- One execution of a lane. Attempts are immutable once ended; a rerun is a new row.
CREATE TABLE lane_attempts (
  id            INTEGER PRIMARY KEY,
  lane_id       INTEGER NOT NULL REFERENCES lanes (id) ON DELETE CASCADE,
  number        INTEGER NOT NULL,
  state         TEXT NOT NULL CHECK (state IN ('queued', 'running', 'cancelling', 'success', 'failed', 'cancelled', 'skipped')),
  reason        TEXT CHECK (reason IN ('ready', 'waiting_for_capacity', 'blocked_by_group', 'waiting_for_lane',
                  'target_unhealthy', 'paused', 'lease_expired', 'retry_backoff', 'unsatisfiable')),
  reason_detail TEXT,
  reason_since  INTEGER,
  token         INTEGER NOT NULL DEFAULT 0,
  owner         TEXT,
  lease_until   INTEGER,
  queued_at     INTEGER NOT NULL,
  started_at    INTEGER,
  first_output_at INTEGER,
  finished_at   INTEGER,
  exit_code     INTEGER,
  signal        TEXT,
  failure_kind  TEXT CHECK (failure_kind IN ('test_failure', 'timeout', 'idle_timeout', 'infrastructure', 'manifest',
                  'lost', 'unkillable', 'cancelled', 'operator')),
  skip_cause    TEXT CHECK (skip_cause IN ('path_filter', 'dependency_failed')),
  message       TEXT,
  sandbox       TEXT,
  log_bytes     INTEGER NOT NULL DEFAULT 0,
  requested_by  INTEGER REFERENCES accounts (id),
  UNIQUE (lane_id, number),
  CHECK (state <> 'queued' OR reason IS NOT NULL)
) STRICT;
CREATE INDEX lane_attempts_live ON lane_attempts (state, queued_at) WHERE state IN ('queued', 'running', 'cancelling');
CREATE INDEX lane_attempts_started ON lane_attempts (started_at) WHERE started_at IS NOT NULL;
