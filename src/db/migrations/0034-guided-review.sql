-- Hunks that somebody has read in a tutorial. `mark` names a hunk by its path and lines (tutorials/hunk-mark.ts), so that
-- one that is only rebased stays read.
CREATE TABLE tutorial_viewed (
  account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  branch_id  INTEGER NOT NULL REFERENCES branches (id) ON DELETE CASCADE,
  mark       TEXT NOT NULL,
  viewed_at  INTEGER NOT NULL,
  PRIMARY KEY (account_id, branch_id, mark)
) STRICT, WITHOUT ROWID;
CREATE INDEX tutorial_viewed_by_branch ON tutorial_viewed (branch_id);

-- What writers of tutorials cost on one day (UTC): kept apart from the tutorials, which may be written again.
CREATE TABLE tutorial_costs (
  day           TEXT NOT NULL,
  writer        TEXT NOT NULL,
  model         TEXT NOT NULL,
  written       INTEGER NOT NULL,
  failed        INTEGER NOT NULL,
  input_tokens  INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  PRIMARY KEY (day, writer, model)
) STRICT, WITHOUT ROWID;
