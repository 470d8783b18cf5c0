-- Credentials in full: tokens and deploy keys for one repository, passkeys alone and as a second factor, recovery links.
ALTER TABLE tokens ADD COLUMN repo_id INTEGER REFERENCES repos (id) ON DELETE CASCADE;
CREATE INDEX tokens_by_repo ON tokens (repo_id) WHERE repo_id IS NOT NULL;

-- Set: a browser that signs in without a passkey is asked for one as well.
ALTER TABLE accounts ADD COLUMN second_factor_since INTEGER;

-- A recovery link signs in without the second factor, and switches it off.
ALTER TABLE login_links ADD COLUMN purpose TEXT NOT NULL DEFAULT 'sign-in' CHECK (purpose IN ('sign-in', 'recovery'));

ALTER TABLE sign_in_approvals ADD COLUMN scope TEXT NOT NULL DEFAULT 'write' CHECK (scope IN ('read', 'write', 'admin'));

-- SSH keys that belong to a repository and to nobody. One key is in one place: here once, or in ssh_keys.
CREATE TABLE deploy_keys (
  id           INTEGER PRIMARY KEY,
  repo_id      INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  algorithm    TEXT NOT NULL,
  blob         TEXT NOT NULL UNIQUE,
  fingerprint  TEXT NOT NULL UNIQUE,
  label        TEXT NOT NULL,
  can_write    INTEGER NOT NULL CHECK (can_write IN (0, 1)),
  created_by   INTEGER REFERENCES accounts (id),
  created_at   INTEGER NOT NULL,
  last_used_at INTEGER
) STRICT;
CREATE INDEX deploy_keys_by_repo ON deploy_keys (repo_id);

-- WebAuthn credentials; credential_id and public_key (COSE) are base64url, transports is JSON.
CREATE TABLE passkeys (
  id            INTEGER PRIMARY KEY,
  account_id    INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  credential_id TEXT NOT NULL UNIQUE,
  public_key    TEXT NOT NULL,
  counter       INTEGER NOT NULL,
  transports    TEXT NOT NULL,
  label         TEXT NOT NULL,
  created_at    INTEGER NOT NULL,
  last_used_at  INTEGER
) STRICT;
CREATE INDEX passkeys_by_account ON passkeys (account_id);
