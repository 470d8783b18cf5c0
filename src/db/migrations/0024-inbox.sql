-- What of a branch needs somebody, one row for each reason; derived from what other rooms keep. `key` names the very thing
-- (this revision, this run, this review): with another one the row is news again. What is dismissed stays, so that it is
-- not found anew.
CREATE TABLE inbox_items (
  account_id   INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  branch_id    INTEGER NOT NULL REFERENCES branches (id) ON DELETE CASCADE,
  kind         TEXT NOT NULL CHECK (kind IN ('review', 'commits', 'mentioned', 'commented', 'reviewed', 'ci_failed',
                 'evicted', 'landed', 'closed')),
  repo_id      INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  key          TEXT NOT NULL,
  at           INTEGER NOT NULL,
  by_id        INTEGER REFERENCES accounts (id),
  detail       TEXT NOT NULL,
  read_at      INTEGER,
  dismissed_at INTEGER,
  PRIMARY KEY (account_id, branch_id, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX inbox_items_by_branch ON inbox_items (branch_id);
CREATE INDEX inbox_items_open ON inbox_items (account_id, repo_id, branch_id, at) WHERE dismissed_at IS NULL;
CREATE INDEX inbox_items_unread ON inbox_items (account_id, repo_id, branch_id)
  WHERE dismissed_at IS NULL AND read_at IS NULL;
CREATE INDEX inbox_items_by_time ON inbox_items (at);

-- Who was talked to last is asked for whenever something is said.
CREATE INDEX review_mentions_by_branch ON review_mentions (branch_id, account_id, id);
