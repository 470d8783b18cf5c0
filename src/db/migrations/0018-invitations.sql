-- Links by which new people make their own account, once.
CREATE TABLE invitations (
  id          INTEGER PRIMARY KEY,
  hash        TEXT NOT NULL UNIQUE,
  role        TEXT NOT NULL CHECK (role IN ('admin', 'member')),
  note        TEXT NOT NULL,
  created_by  INTEGER NOT NULL REFERENCES accounts (id),
  created_at  INTEGER NOT NULL,
  expires_at  INTEGER NOT NULL,
  used_at     INTEGER,
  account_id  INTEGER REFERENCES accounts (id)
) STRICT;
