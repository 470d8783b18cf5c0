-- Where a repository is pushed to. `wanted` grows with every wish for a sync, and only a sync that succeeded brings `done` up
-- to it; `tried` is the wish that the newest sync knew. `url` has no secret in it; the credential is sealed with the key of the
-- data directory. After failures in a row the remote rests until `rests_until`. A sync holds the remote by `token` until
-- `lease_until`. `atomic` is what the remote was found to be; NULL while nobody knows.
CREATE TABLE mirror_remotes (
  id          INTEGER PRIMARY KEY,
  repo_id     INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  name        TEXT NOT NULL COLLATE NOCASE,
  url         TEXT NOT NULL,
  patterns    TEXT NOT NULL,
  credential  TEXT NOT NULL CHECK (credential IN ('none', 'token', 'key')),
  public_key  TEXT,
  sealed      BLOB,
  host_keys   TEXT,
  statuses    TEXT NOT NULL DEFAULT '',
  active      INTEGER NOT NULL CHECK (active IN (0, 1)),
  atomic      INTEGER CHECK (atomic IN (0, 1)),
  wanted      INTEGER NOT NULL DEFAULT 0,
  done        INTEGER NOT NULL DEFAULT 0,
  tried       INTEGER NOT NULL DEFAULT 0,
  wanted_at   INTEGER,
  synced_at   INTEGER,
  checked_at  INTEGER,
  token       INTEGER NOT NULL DEFAULT 0,
  lease_until INTEGER,
  failures    INTEGER NOT NULL DEFAULT 0,
  rests_until INTEGER,
  problem     TEXT,
  created_at  INTEGER NOT NULL,
  created_by  INTEGER REFERENCES accounts (id),
  updated_at  INTEGER NOT NULL,
  UNIQUE (repo_id, name)
) STRICT;
CREATE INDEX mirror_remotes_behind ON mirror_remotes (id) WHERE wanted > done;
CREATE INDEX mirror_remotes_held ON mirror_remotes (lease_until) WHERE lease_until IS NOT NULL;

-- What is known of one ref at one remote. `here_oid` and `there_oid` are what the newest sync found (NULL: no such ref);
-- `ours_oid` is what the forge last knew to have put there, and `sent` a JSON list of what it has sent since and may have
-- arrived: another object there is somebody else's.
CREATE TABLE mirror_refs (
  remote_id  INTEGER NOT NULL REFERENCES mirror_remotes (id) ON DELETE CASCADE,
  ref        TEXT NOT NULL,
  state      TEXT NOT NULL CHECK (state IN ('in-step', 'behind', 'diverged', 'refused')),
  here_oid   TEXT,
  there_oid  TEXT,
  ours_oid   TEXT,
  sent       TEXT NOT NULL DEFAULT '[]',
  message    TEXT,
  changed_at INTEGER NOT NULL,
  PRIMARY KEY (remote_id, ref)
) STRICT, WITHOUT ROWID;
CREATE INDEX mirror_refs_odd ON mirror_refs (remote_id, state) WHERE state <> 'in-step';

CREATE INDEX mirror_refs_there ON mirror_refs (remote_id, there_oid);

CREATE TABLE mirror_syncs (
  id          INTEGER PRIMARY KEY,
  remote_id   INTEGER NOT NULL REFERENCES mirror_remotes (id) ON DELETE CASCADE,
  token       INTEGER NOT NULL,
  generation  INTEGER NOT NULL,
  cause       TEXT NOT NULL CHECK (cause IN ('change', 'manual', 'check')),
  account_id  INTEGER REFERENCES accounts (id),
  state       TEXT NOT NULL CHECK (state IN ('running', 'done', 'partial', 'failed', 'interrupted')),
  started_at  INTEGER NOT NULL,
  finished_at INTEGER,
  pushed      INTEGER NOT NULL DEFAULT 0,
  deleted     INTEGER NOT NULL DEFAULT 0,
  refused     INTEGER NOT NULL DEFAULT 0,
  diverged    INTEGER NOT NULL DEFAULT 0,
  message     TEXT
) STRICT;
CREATE INDEX mirror_syncs_by_remote ON mirror_syncs (remote_id, id);
CREATE INDEX mirror_syncs_ended ON mirror_syncs (finished_at) WHERE finished_at IS NOT NULL;

-- What the service at a remote is to be told of a commit; `told` says whether it was.
CREATE TABLE mirror_statuses (
  remote_id   INTEGER NOT NULL REFERENCES mirror_remotes (id) ON DELETE CASCADE,
  oid         TEXT NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('pending', 'success', 'failure', 'error')),
  description TEXT NOT NULL,
  url         TEXT NOT NULL,
  told        INTEGER NOT NULL DEFAULT 0 CHECK (told IN (0, 1)),
  attempts    INTEGER NOT NULL DEFAULT 0,
  rests_until INTEGER,
  message     TEXT,
  updated_at  INTEGER NOT NULL,
  PRIMARY KEY (remote_id, oid)
) STRICT, WITHOUT ROWID;
CREATE INDEX mirror_statuses_untold ON mirror_statuses (remote_id) WHERE told = 0;
