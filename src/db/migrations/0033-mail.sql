-- Where somebody wants to be told by e-mail, and of what. Nothing but its confirmation goes to an address before
-- `confirmed_at`.
CREATE TABLE mail_choices (
  account_id   INTEGER PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
  address      TEXT NOT NULL,
  kinds        TEXT NOT NULL,
  asked_at     INTEGER NOT NULL,
  confirmed_at INTEGER
) STRICT;

-- Mails that wait, and what became of those that were tried. A notice is about a branch and says what is news when it is
-- sent; the mail that confirms an address has no branch.
CREATE TABLE mails (
  id          INTEGER PRIMARY KEY,
  account_id  INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  branch_id   INTEGER REFERENCES branches (id) ON DELETE CASCADE,
  state       TEXT NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sending', 'sent', 'failed')),
  due_at      INTEGER NOT NULL,
  token       INTEGER NOT NULL DEFAULT 0,
  lease_until INTEGER,
  attempts    INTEGER NOT NULL DEFAULT 0,
  message     TEXT,
  created_at  INTEGER NOT NULL,
  finished_at INTEGER
) STRICT;
CREATE INDEX mails_due ON mails (due_at) WHERE state = 'queued';
CREATE INDEX mails_sending ON mails (lease_until) WHERE state = 'sending';
CREATE UNIQUE INDEX mails_waiting ON mails (account_id, coalesce(branch_id, 0)) WHERE state = 'queued';
CREATE INDEX mails_by_branch ON mails (branch_id);
CREATE INDEX mails_ended ON mails (finished_at) WHERE finished_at IS NOT NULL;

-- What of an inbox was told already: the same thing is not mailed twice.
CREATE TABLE mail_told (
  account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  branch_id  INTEGER NOT NULL REFERENCES branches (id) ON DELETE CASCADE,
  kind       TEXT NOT NULL,
  key        TEXT NOT NULL,
  PRIMARY KEY (account_id, branch_id, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX mail_told_by_branch ON mail_told (branch_id);
