-- Who was asked by name to review a branch, and by whom. A review that is newer than `after_review` answers it; to be asked
-- again is a new request in the same place.
CREATE TABLE review_requests (
  branch_id    INTEGER NOT NULL REFERENCES branches (id) ON DELETE CASCADE,
  account_id   INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  by_id        INTEGER NOT NULL REFERENCES accounts (id),
  after_review INTEGER NOT NULL,
  at           INTEGER NOT NULL,
  PRIMARY KEY (branch_id, account_id)
) STRICT, WITHOUT ROWID;
