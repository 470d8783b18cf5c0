-- A claim that somebody fenced off (its token grew, so its holder can write nothing more): how its attempt ends
-- when its programs are gone, and who wanted that.
ALTER TABLE lane_attempts ADD COLUMN wanted_end TEXT CHECK (wanted_end IN ('failed', 'cancelled', 'requeued'));
ALTER TABLE lane_attempts ADD COLUMN wanted_by INTEGER REFERENCES accounts (id);
