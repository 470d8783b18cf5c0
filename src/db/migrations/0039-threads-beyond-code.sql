-- Threads about a step of a tutorial, by its title, and about lines of a lane's log. In `kind` both are 'branch', for
-- they have no path. The attempt is named by its numbers: what is said of a log outlives the log.
ALTER TABLE review_threads ADD COLUMN step TEXT;
ALTER TABLE review_threads ADD COLUMN run INTEGER;
ALTER TABLE review_threads ADD COLUMN lane TEXT;
ALTER TABLE review_threads ADD COLUMN attempt INTEGER
  CHECK ((attempt IS NULL) = (lane IS NULL) AND (attempt IS NULL) = (run IS NULL) AND (lane IS NULL OR step IS NULL));
