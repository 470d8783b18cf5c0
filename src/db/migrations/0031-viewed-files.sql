-- What a reader of a branch need not look at again: a file whose difference had this patch. It stays viewed in every
-- revision in which the patch of the file is the same, so also when the branch is only rebased.
CREATE TABLE review_viewed_files (
  account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  branch_id  INTEGER NOT NULL REFERENCES branches (id) ON DELETE CASCADE,
  path       TEXT NOT NULL,
  patch      TEXT NOT NULL,
  viewed_at  INTEGER NOT NULL,
  PRIMARY KEY (account_id, branch_id, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX review_viewed_files_by_branch ON review_viewed_files (branch_id);
