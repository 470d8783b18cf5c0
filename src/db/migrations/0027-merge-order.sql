-- Why a merge went past a closed gate: JSON of who forced it for which reason past which holds; null when the gate was open.
ALTER TABLE merges ADD COLUMN forced TEXT;
CREATE INDEX merges_by_branch ON merges (branch_id);
