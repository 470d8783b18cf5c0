-- What the housekeeping of a repository did last: steps and sizes as JSON, written by repos/housekeeping.ts.
CREATE TABLE housekeeping (
  repo_id    INTEGER PRIMARY KEY REFERENCES repos (id) ON DELETE CASCADE,
  state      TEXT NOT NULL CHECK (state IN ('running', 'done', 'failed', 'interrupted')),
  steps      TEXT NOT NULL,
  error      TEXT,
  before     TEXT NOT NULL,
  after      TEXT,
  started_at INTEGER NOT NULL,
  ended_at   INTEGER,
  swept_at   INTEGER
) STRICT;
