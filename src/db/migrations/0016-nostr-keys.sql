-- Public keys of Nostr that sign an account in; x-only, 32 bytes in hex.
CREATE TABLE nostr_keys (
  id           INTEGER PRIMARY KEY,
  account_id   INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  public_key   TEXT NOT NULL UNIQUE,
  label        TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  last_used_at INTEGER
) STRICT;
CREATE INDEX nostr_keys_by_account ON nostr_keys (account_id);
