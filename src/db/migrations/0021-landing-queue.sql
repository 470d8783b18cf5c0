-- A landing run belongs to no branch: `target` is the one it would be merged into, without refs/heads/, and
-- `landing_branches` a JSON list of the names of those that are merged.
ALTER TABLE runs ADD COLUMN target TEXT;
ALTER TABLE runs ADD COLUMN landing_branches TEXT;

-- One commit that the queue tests, to move the target to exactly it: its members merged in order on `base_oid`, which is
-- the target's tip, or the commit of the candidate it stands on. `token` grows with every step, and fences the next one; while
-- `is_pinned`, refs/pika/landing/<id> keeps the commit.
CREATE TABLE landing_candidates (
  id         INTEGER PRIMARY KEY,
  repo_id    INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  target     TEXT NOT NULL,
  base_oid   TEXT NOT NULL,
  stands_on  INTEGER REFERENCES landing_candidates (id) ON DELETE CASCADE,
  commit_oid TEXT NOT NULL,
  tree_oid   TEXT NOT NULL,
  run_id     INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  state      TEXT NOT NULL CHECK (state IN ('testing', 'landing', 'landed', 'failed', 'abandoned')),
  token      INTEGER NOT NULL DEFAULT 1,
  retries    INTEGER NOT NULL DEFAULT 0,
  is_pinned  INTEGER NOT NULL DEFAULT 0,
  ended_why  TEXT,
  created_at INTEGER NOT NULL,
  ended_at   INTEGER
) STRICT;
CREATE INDEX landing_candidates_live ON landing_candidates (repo_id, target) WHERE state IN ('testing', 'landing');
CREATE INDEX landing_candidates_pinned ON landing_candidates (state) WHERE is_pinned = 1;
CREATE INDEX landing_candidates_by_run ON landing_candidates (run_id);

-- One entry of the queue: somebody wants this head of the branch to land. `part` keeps the halves of a candidate that
-- failed apart; `holds` is a JSON list of what the gate says while it waits for it.
CREATE TABLE landings (
  id            INTEGER PRIMARY KEY,
  repo_id       INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  branch_id     INTEGER NOT NULL REFERENCES branches (id) ON DELETE CASCADE,
  target        TEXT NOT NULL,
  head_oid      TEXT NOT NULL,
  revision      INTEGER NOT NULL,
  method        TEXT CHECK (method IN ('merge', 'squash', 'fast-forward')),
  message       TEXT,
  actor_id      INTEGER NOT NULL REFERENCES accounts (id),
  credential    TEXT NOT NULL,
  priority      INTEGER NOT NULL DEFAULT 0 CHECK (priority BETWEEN 0 AND 9),
  state         TEXT NOT NULL CHECK (state IN ('waiting', 'queued', 'testing', 'landing', 'landed', 'evicted', 'cancelled')),
  reason        TEXT CHECK (reason IN ('gate_held', 'ready', 'behind', 'rebuild', 'split', 'retry', 'lanes_running',
                  'candidate_ahead', 'target_busy', 'paused', 'landing')),
  reason_detail TEXT,
  reason_since  INTEGER,
  holds         TEXT NOT NULL DEFAULT '[]',
  candidate_id  INTEGER REFERENCES landing_candidates (id) ON DELETE SET NULL,
  part          INTEGER,
  retries       INTEGER NOT NULL DEFAULT 0,
  enqueued_at   INTEGER NOT NULL,
  deadline_at   INTEGER NOT NULL,
  ended_at      INTEGER,
  end_cause     TEXT CHECK (end_cause IN ('landed', 'lane_failed', 'run_failed', 'infrastructure', 'conflict',
                  'not_fast_forward', 'already_merged', 'refused', 'deadline', 'pushed', 'closed', 'retargeted',
                  'merged_by_hand', 'not_allowed', 'cancelled')),
  end_message   TEXT,
  end_way_out   TEXT,
  end_run_id    INTEGER REFERENCES runs (id) ON DELETE SET NULL,
  end_lane      TEXT,
  ahead_id      INTEGER REFERENCES branches (id) ON DELETE SET NULL,
  merge_oid     TEXT,
  ended_by      INTEGER REFERENCES accounts (id),
  CHECK ((state IN ('landed', 'evicted', 'cancelled')) = (end_cause IS NOT NULL)),
  CHECK ((state IN ('landed', 'evicted', 'cancelled')) = (reason IS NULL))
) STRICT;
CREATE UNIQUE INDEX landings_once_per_branch ON landings (branch_id)
  WHERE state IN ('waiting', 'queued', 'testing', 'landing');
CREATE INDEX landings_live ON landings (repo_id, target) WHERE state IN ('waiting', 'queued', 'testing', 'landing');
CREATE INDEX landings_by_branch ON landings (branch_id);
CREATE INDEX landings_ended ON landings (repo_id, ended_at) WHERE ended_at IS NOT NULL;

-- What a candidate is made of, in the order of its commits; `commit_oid` is the one that merged the member.
CREATE TABLE landing_members (
  candidate_id INTEGER NOT NULL REFERENCES landing_candidates (id) ON DELETE CASCADE,
  position     INTEGER NOT NULL,
  landing_id   INTEGER NOT NULL REFERENCES landings (id) ON DELETE CASCADE,
  head_oid     TEXT NOT NULL,
  commit_oid   TEXT NOT NULL,
  method       TEXT NOT NULL CHECK (method IN ('merge', 'squash', 'fast-forward')),
  PRIMARY KEY (candidate_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX landing_members_by_landing ON landing_members (landing_id);

-- While there is a row, nothing of the repository is built for landing, and nothing lands from its queue.
CREATE TABLE landing_pauses (
  repo_id   INTEGER PRIMARY KEY REFERENCES repos (id) ON DELETE CASCADE,
  paused_at INTEGER NOT NULL,
  paused_by INTEGER REFERENCES accounts (id),
  reason    TEXT NOT NULL
) STRICT;
