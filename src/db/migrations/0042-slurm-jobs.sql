-- The jobs that lanes were offered to Slurm as; `id` stands in each one's comment. A job belongs to its attempt until it
-- is released, and is watched until Slurm has it no more: a job of a lost node is released long before it is gone.
CREATE TABLE slurm_jobs (
  id           INTEGER PRIMARY KEY,
  attempt_id   INTEGER NOT NULL REFERENCES lane_attempts (id) ON DELETE CASCADE,
  target       TEXT NOT NULL,
  -- Slurm's number; null until sbatch has answered.
  job_id       INTEGER,
  -- Of the claim that its agent took; null until then.
  token        INTEGER,
  node         TEXT,
  submitted_at INTEGER NOT NULL,
  released_at  INTEGER,
  ending       TEXT CHECK (ending IN ('over', 'refused', 'broken', 'lost', 'withdrawn')),
  gone_at      INTEGER,
  CHECK ((released_at IS NULL) = (ending IS NULL))
) STRICT;
CREATE UNIQUE INDEX slurm_jobs_current ON slurm_jobs (attempt_id) WHERE released_at IS NULL;
CREATE INDEX slurm_jobs_watched ON slurm_jobs (target) WHERE gone_at IS NULL;
CREATE INDEX slurm_jobs_attempt ON slurm_jobs (attempt_id);
