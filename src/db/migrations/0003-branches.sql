-- A pushed line of work under review. A reused name is a new branch with a new number.
CREATE TABLE branches (
  id            INTEGER PRIMARY KEY,
  repo_id       INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  number        INTEGER NOT NULL,
  name          TEXT NOT NULL,
  target        TEXT NOT NULL,
  title         TEXT NOT NULL,
  author_id     INTEGER REFERENCES accounts (id),
  state         TEXT NOT NULL CHECK (state IN ('open', 'merged', 'closed')),
  head_oid      TEXT NOT NULL,
  revision      INTEGER NOT NULL,
  merge_oid     TEXT,
  broken_reason TEXT,
  created_at    INTEGER NOT NULL,
  updated_at    INTEGER NOT NULL,
  settled_at    INTEGER,
  settled_by    INTEGER REFERENCES accounts (id),
  UNIQUE (repo_id, number)
) STRICT;
CREATE UNIQUE INDEX branches_open_name ON branches (repo_id, name) WHERE state = 'open';
CREATE INDEX branches_open ON branches (updated_at) WHERE state = 'open';
CREATE INDEX branches_by_repo ON branches (repo_id, state, updated_at);

-- One pushed head of a branch; pinned as refs/pika/heads/<branch number>/<revision>.
-- base_oid is the merge base with the target when it was pushed, null when the histories share nothing.
CREATE TABLE revisions (
  branch_id  INTEGER NOT NULL REFERENCES branches (id) ON DELETE CASCADE,
  number     INTEGER NOT NULL,
  head_oid   TEXT NOT NULL,
  base_oid   TEXT,
  target_oid TEXT,
  pushed_by  INTEGER REFERENCES accounts (id),
  pushed_at  INTEGER NOT NULL,
  PRIMARY KEY (branch_id, number)
) STRICT, WITHOUT ROWID;

-- Spool files that were read; the row is written in the transaction that ingests them.
CREATE TABLE ingested_pushes (
  id          TEXT PRIMARY KEY,
  ingested_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
