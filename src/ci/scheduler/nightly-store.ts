// The SQL of nightlies: which there are, when each is due, and from which commit they were read.
import type { Db } from '../../db/open.ts';

export interface Nightly {
  repoId: number;
  id: string;
  schedule: string;
  dueAt: number;
}

const columns = 'repo_id AS repoId, id, schedule, due_at AS dueAt';

export const listNightlies = (db: Db, repoId: number): Nightly[] =>
  db.all<Nightly>(`SELECT ${columns} FROM ci_nightlies WHERE repo_id = :repoId ORDER BY id`, { repoId });

/** What is due, the oldest first; a nightly whose last run has not ended waits for it. */
export const listDue = (db: Db, now: number): Nightly[] =>
  db.all<Nightly>(
    `SELECT ${columns} FROM ci_nightlies n
      WHERE due_at <= :now AND NOT EXISTS (SELECT 1 FROM runs r
            WHERE r.repo_id = n.repo_id AND r.nightly = n.id AND r.state IN ('queued', 'running'))
      ORDER BY due_at LIMIT 100`,
    { now },
  );

export function saveNightly(db: Db, nightly: Nightly): void {
  db.run(
    `INSERT INTO ci_nightlies (repo_id, id, schedule, due_at) VALUES (:repoId, :id, :schedule, :dueAt)
     ON CONFLICT (repo_id, id) DO UPDATE SET schedule = :schedule, due_at = :dueAt`,
    { ...nightly },
  );
}

export function deleteNightly(db: Db, { repoId, id }: Pick<Nightly, 'repoId' | 'id'>): void {
  db.run('DELETE FROM ci_nightlies WHERE repo_id = :repoId AND id = :id', { repoId, id });
}

export interface Schedule {
  /** The commit of the default branch that was read. */
  oid: string;
  problem: string | null;
  changedAt: number;
}

export const findSchedule = (db: Db, repoId: number): Schedule | undefined =>
  db.get<Schedule>('SELECT oid, problem, changed_at AS changedAt FROM ci_schedules WHERE repo_id = :repoId', {
    repoId,
  });

export function saveSchedule(
  db: Db,
  schedule: { repoId: number; oid: string; problem: string | null; now: number },
): void {
  db.run(
    `INSERT INTO ci_schedules (repo_id, oid, problem, changed_at) VALUES (:repoId, :oid, :problem, :now)
     ON CONFLICT (repo_id) DO UPDATE SET oid = :oid, problem = :problem, changed_at = :now`,
    schedule,
  );
}

export const hasNightlyRun = (db: Db, run: { repoId: number; nightly: string; dueAt: number }): boolean =>
  db.get('SELECT 1 FROM runs WHERE repo_id = :repoId AND nightly = :nightly AND due_at = :dueAt', run) !==
  undefined;
