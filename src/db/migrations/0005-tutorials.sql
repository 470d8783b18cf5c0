-- The guided explanation of one revision of a branch. `body` is the tutorial as JSON (tutorials/model.ts).
CREATE TABLE tutorials (
  id          INTEGER PRIMARY KEY,
  branch_id   INTEGER NOT NULL REFERENCES branches (id) ON DELETE CASCADE,
  revision    INTEGER NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('queued', 'running', 'ready', 'failed')),
  writer      TEXT NOT NULL,
  token       INTEGER NOT NULL DEFAULT 0,
  lease_until INTEGER,
  body        TEXT,
  message     TEXT,
  created_at  INTEGER NOT NULL,
  finished_at INTEGER,
  UNIQUE (branch_id, revision)
) STRICT;
CREATE INDEX tutorials_live ON tutorials (state) WHERE state IN ('queued', 'running');
