-- Large files of Git LFS: the bytes stand once on disk under their SHA-256, whichever repositories have them.
CREATE TABLE lfs_objects (
  oid        TEXT PRIMARY KEY,
  size       INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The repositories that were given the bytes of an object. To know its hash opens it in no other.
CREATE TABLE lfs_holdings (
  repo_id    INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  oid        TEXT NOT NULL REFERENCES lfs_objects (oid),
  given_by   INTEGER REFERENCES accounts (id),
  given_at   INTEGER NOT NULL,
  PRIMARY KEY (repo_id, oid)
) STRICT, WITHOUT ROWID;
CREATE INDEX lfs_holdings_by_oid ON lfs_holdings (oid);

CREATE TABLE lfs_locks (
  id         INTEGER PRIMARY KEY,
  repo_id    INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  path       TEXT NOT NULL,
  owner_id   INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  locked_at  INTEGER NOT NULL,
  UNIQUE (repo_id, path)
) STRICT;
