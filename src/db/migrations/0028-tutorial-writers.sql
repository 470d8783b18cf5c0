-- A writer may fail and be asked again: not before `not_before`. What it cost is kept as JSON (tutorials/model.ts), beside
-- the outline that stands in `body` until it has answered.
ALTER TABLE tutorials ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tutorials ADD COLUMN not_before INTEGER;
ALTER TABLE tutorials ADD COLUMN usage TEXT;
