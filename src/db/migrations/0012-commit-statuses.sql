-- What other systems say of a commit: the newest word in each context. Own lanes are not in here.
CREATE TABLE commit_statuses (
  repo_id     INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  oid         TEXT NOT NULL,
  context     TEXT NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('queued', 'running', 'success', 'failed', 'cancelled', 'skipped')),
  description TEXT NOT NULL,
  url         TEXT,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  updated_by  INTEGER REFERENCES accounts (id),
  PRIMARY KEY (repo_id, oid, context)
) STRICT, WITHOUT ROWID;
