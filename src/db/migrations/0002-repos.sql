CREATE TABLE repos (
  id             INTEGER PRIMARY KEY,
  owner          TEXT NOT NULL COLLATE NOCASE,
  name           TEXT NOT NULL COLLATE NOCASE,
  description    TEXT NOT NULL DEFAULT '',
  visibility     TEXT NOT NULL CHECK (visibility IN ('private', 'public')),
  default_branch TEXT NOT NULL,
  merge_method   TEXT NOT NULL DEFAULT 'merge' CHECK (merge_method IN ('merge', 'squash', 'fast-forward')),
  next_branch    INTEGER NOT NULL DEFAULT 1,
  next_run       INTEGER NOT NULL DEFAULT 1,
  created_at     INTEGER NOT NULL,
  created_by     INTEGER REFERENCES accounts (id),
  pushed_at      INTEGER,
  UNIQUE (owner, name)
) STRICT;

CREATE TABLE repo_members (
  repo_id    INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  role       TEXT NOT NULL CHECK (role IN ('read', 'write', 'maintain')),
  PRIMARY KEY (repo_id, account_id)
) STRICT, WITHOUT ROWID;

-- Ref patterns that take no direct push, beside the default branch, which never does.
CREATE TABLE protected_refs (
  repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  pattern TEXT NOT NULL,
  PRIMARY KEY (repo_id, pattern)
) STRICT, WITHOUT ROWID;
