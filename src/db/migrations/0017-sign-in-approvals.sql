-- A program that asks to be signed in, until a person approves it in the browser. Hashed as one-time links are.
CREATE TABLE sign_in_approvals (
  hash        TEXT PRIMARY KEY,
  code        TEXT NOT NULL UNIQUE,
  program     TEXT NOT NULL,
  address     TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  expires_at  INTEGER NOT NULL,
  state       TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'approved', 'denied', 'taken')),
  account_id  INTEGER REFERENCES accounts (id) ON DELETE CASCADE
) STRICT;
CREATE INDEX sign_in_approvals_by_end ON sign_in_approvals (expires_at);
