-- Where a repository comes from. `follows = 0` was imported once; else it is looked at every so many minutes. `wanted` counts
-- the wishes for a pull and `done` is the newest that a success has fulfilled. A pull holds the row until `lease_until` under a
-- `token` that only grows. `sealed` is the credential, `host_keys` those that the SSH server is held to.
CREATE TABLE mirror_upstreams (
  repo_id       INTEGER PRIMARY KEY REFERENCES repos (id) ON DELETE CASCADE,
  url           TEXT NOT NULL,
  patterns      TEXT NOT NULL,
  follows       INTEGER NOT NULL CHECK (follows IN (0, 1)),
  every_minutes INTEGER NOT NULL,
  rewrites      TEXT NOT NULL CHECK (rewrites IN ('follow', 'keep')),
  deletions     TEXT NOT NULL CHECK (deletions IN ('follow', 'keep')),
  credential    TEXT NOT NULL CHECK (credential IN ('none', 'token', 'key')),
  sealed        BLOB,
  public_key    TEXT,
  host_keys     TEXT,
  wanted        INTEGER NOT NULL DEFAULT 1,
  done          INTEGER NOT NULL DEFAULT 0,
  pulled_at     INTEGER,
  token         INTEGER NOT NULL DEFAULT 0,
  lease_until   INTEGER,
  failures      INTEGER NOT NULL DEFAULT 0,
  rests_until   INTEGER,
  problem       TEXT,
  created_at    INTEGER NOT NULL,
  created_by    INTEGER REFERENCES accounts (id)
) STRICT;

CREATE TABLE mirror_pulls (
  id          INTEGER PRIMARY KEY,
  repo_id     INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  token       INTEGER NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('running', 'done', 'partial', 'failed', 'cancelled', 'interrupted')),
  started_at  INTEGER NOT NULL,
  finished_at INTEGER,
  created     INTEGER NOT NULL DEFAULT 0,
  moved       INTEGER NOT NULL DEFAULT 0,
  deleted     INTEGER NOT NULL DEFAULT 0,
  message     TEXT
) STRICT;
CREATE INDEX mirror_pulls_by_repo ON mirror_pulls (repo_id, id);
CREATE INDEX mirror_pulls_running ON mirror_pulls (repo_id) WHERE state = 'running';

-- What was brought here of each ref of the upstream, and why it is not where the upstream has it.
CREATE TABLE mirror_pulled_refs (
  repo_id     INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  ref         TEXT NOT NULL,
  brought_oid TEXT,
  there_oid   TEXT,
  state       TEXT NOT NULL CHECK (state IN ('in-step', 'ahead', 'diverged', 'kept', 'left-out')),
  message     TEXT,
  changed_at  INTEGER NOT NULL,
  PRIMARY KEY (repo_id, ref)
) STRICT, WITHOUT ROWID;
