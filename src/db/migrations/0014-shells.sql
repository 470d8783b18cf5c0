-- Debug shells in the kept workspaces of failed attempts. One without an end is open, and an attempt has at most one
-- of these; `ending` says in a word what ended it.
CREATE TABLE lane_shells (
  id         INTEGER PRIMARY KEY,
  attempt_id INTEGER NOT NULL REFERENCES lane_attempts (id) ON DELETE CASCADE,
  account_id INTEGER NOT NULL REFERENCES accounts (id),
  opened_at  INTEGER NOT NULL,
  ends_by    INTEGER NOT NULL,
  ended_at   INTEGER,
  ending     TEXT CHECK (ending IN ('left', 'time_limit', 'right_lost', 'stopped', 'over_limit', 'forge_stopped', 'forge_died'))
) STRICT;
CREATE UNIQUE INDEX lane_shells_one_open ON lane_shells (attempt_id) WHERE ended_at IS NULL;
CREATE INDEX lane_shells_attempt ON lane_shells (attempt_id, id);
