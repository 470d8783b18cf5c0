-- What somebody decided of a branch at one of its revisions, with what he wrote about the whole of it.
-- A verdict that does not count, an approval of one's own branch, stands as a comment; `asked` says what was asked for.
CREATE TABLE reviews (
  id         INTEGER PRIMARY KEY,
  branch_id  INTEGER NOT NULL REFERENCES branches (id) ON DELETE CASCADE,
  account_id INTEGER NOT NULL REFERENCES accounts (id),
  verdict    TEXT NOT NULL CHECK (verdict IN ('approve', 'changes', 'comment')),
  asked      TEXT NOT NULL CHECK (asked IN ('approve', 'changes', 'comment')),
  body       TEXT NOT NULL,
  revision   INTEGER NOT NULL,
  head_oid   TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX reviews_by_branch ON reviews (branch_id, account_id, id);

-- A conversation about a branch, a file or lines of it, at the revision where it began. `context` keeps the lines it
-- was written about as JSON, so that it can be read when the code is gone.
CREATE TABLE review_threads (
  id          INTEGER PRIMARY KEY,
  branch_id   INTEGER NOT NULL REFERENCES branches (id) ON DELETE CASCADE,
  kind        TEXT NOT NULL CHECK (kind IN ('branch', 'file', 'line')),
  path        TEXT,
  side        TEXT CHECK (side IN ('old', 'new')),
  first_line  INTEGER,
  last_line   INTEGER,
  revision    INTEGER NOT NULL,
  context     TEXT NOT NULL DEFAULT '[]',
  created_at  INTEGER NOT NULL,
  resolved_at INTEGER,
  resolved_by INTEGER REFERENCES accounts (id),
  CHECK ((kind = 'branch') = (path IS NULL)),
  CHECK ((kind = 'line') = (side IS NOT NULL AND first_line IS NOT NULL AND last_line IS NOT NULL))
) STRICT;
CREATE INDEX review_threads_by_branch ON review_threads (branch_id, id);

-- A comment is a draft, seen by its author alone, until it is published: by itself, or with the review it belongs to.
CREATE TABLE review_comments (
  id           INTEGER PRIMARY KEY,
  thread_id    INTEGER NOT NULL REFERENCES review_threads (id) ON DELETE CASCADE,
  account_id   INTEGER NOT NULL REFERENCES accounts (id),
  review_id    INTEGER REFERENCES reviews (id) ON DELETE SET NULL,
  body         TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  published_at INTEGER,
  edited_at    INTEGER,
  deleted_at   INTEGER
) STRICT;
CREATE INDEX review_comments_by_thread ON review_comments (thread_id, id);
CREATE INDEX review_comments_drafts ON review_comments (account_id, thread_id) WHERE published_at IS NULL;
CREATE INDEX review_comments_by_review ON review_comments (review_id) WHERE review_id IS NOT NULL;

-- Who was named with @NAME in what was published; one of comment_id and review_id is set.
CREATE TABLE review_mentions (
  id         INTEGER PRIMARY KEY,
  account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  branch_id  INTEGER NOT NULL REFERENCES branches (id) ON DELETE CASCADE,
  comment_id INTEGER REFERENCES review_comments (id) ON DELETE CASCADE,
  review_id  INTEGER REFERENCES reviews (id) ON DELETE CASCADE,
  by_id      INTEGER NOT NULL REFERENCES accounts (id),
  at         INTEGER NOT NULL
) STRICT;
CREATE INDEX review_mentions_by_account ON review_mentions (account_id, id);
CREATE UNIQUE INDEX review_mentions_once ON review_mentions (account_id, ifnull(comment_id, 0), ifnull(review_id, 0));

-- What a revision changes, whatever it stands on: two revisions with the same patch were only rebased.
CREATE TABLE revision_patches (
  branch_id INTEGER NOT NULL REFERENCES branches (id) ON DELETE CASCADE,
  revision  INTEGER NOT NULL,
  patch     TEXT NOT NULL,
  PRIMARY KEY (branch_id, revision)
) STRICT, WITHOUT ROWID;
