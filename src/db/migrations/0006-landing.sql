-- The intent of a merge, written before the refs move and finalised after. Recovery asks git which
-- of the unfinished ones happened: is merge_oid an ancestor of the target?
CREATE TABLE merges (
  id          INTEGER PRIMARY KEY,
  repo_id     INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  branch_id   INTEGER NOT NULL REFERENCES branches (id) ON DELETE CASCADE,
  method      TEXT NOT NULL CHECK (method IN ('merge', 'squash', 'fast-forward')),
  target      TEXT NOT NULL,
  target_oid  TEXT NOT NULL,
  head_oid    TEXT NOT NULL,
  merge_oid   TEXT NOT NULL,
  actor_id    INTEGER NOT NULL REFERENCES accounts (id),
  state       TEXT NOT NULL CHECK (state IN ('intended', 'done', 'abandoned')),
  created_at  INTEGER NOT NULL,
  finished_at INTEGER
) STRICT;
CREATE INDEX merges_intended ON merges (state) WHERE state = 'intended';
