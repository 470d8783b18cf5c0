-- Somebody keeps a branch from landing, with a reason; until it is lifted, or until it expires.
CREATE TABLE branch_holds (
  id         INTEGER PRIMARY KEY,
  branch_id  INTEGER NOT NULL REFERENCES branches (id) ON DELETE CASCADE,
  author_id  INTEGER NOT NULL REFERENCES accounts (id),
  reason     TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  lifted_at  INTEGER,
  lifted_by  INTEGER REFERENCES accounts (id)
) STRICT;
CREATE INDEX branch_holds_in_force ON branch_holds (branch_id) WHERE lifted_at IS NULL;

-- Branches that their authors still work on.
CREATE TABLE branch_drafts (
  branch_id INTEGER PRIMARY KEY REFERENCES branches (id) ON DELETE CASCADE,
  set_by    INTEGER NOT NULL REFERENCES accounts (id),
  set_at    INTEGER NOT NULL
) STRICT;

-- The gate asks whether a lane was green for exactly these files, at whatever commit.
CREATE INDEX runs_by_tree ON runs (repo_id, tree_oid);
