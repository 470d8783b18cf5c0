-- Who may run an attempt away from the forge: a credential for one attempt, and once it has been used, the secret of the
-- one program that took the claim with it. Only hashes are kept. Rows of claims that were lost stay for a while, so that
-- a program that wakes up late is told so.
CREATE TABLE lane_agents (
  credential_hash TEXT NOT NULL PRIMARY KEY,
  attempt_id      INTEGER NOT NULL REFERENCES lane_attempts (id) ON DELETE CASCADE,
  issued_at       INTEGER NOT NULL,
  session_hash    TEXT UNIQUE,
  token           INTEGER,
  claimed_at      INTEGER,
  told_at         INTEGER,
  CHECK ((session_hash IS NULL) = (token IS NULL) AND (token IS NULL) = (claimed_at IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX lane_agents_by_attempt ON lane_agents (attempt_id);
CREATE INDEX lane_agents_by_claim ON lane_agents (claimed_at) WHERE claimed_at IS NOT NULL;
