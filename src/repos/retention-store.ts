import type { Db } from '../db/open.ts';
import type { RetentionPart } from './retention-model.ts';

export type OwnRetention = Record<RetentionPart, number | null>;

const columns =
  'log_days AS logDays, artifact_days AS artifactDays, run_days AS runDays, revision_days AS revisionDays';

export const findRetentionRow = (db: Db, repoId: number): OwnRetention | undefined =>
  db.get(`SELECT ${columns} FROM repo_retention WHERE repo_id = :repoId`, { repoId });

export function putRetentionRow(db: Db, row: OwnRetention & { repoId: number }): void {
  db.run(
    `INSERT INTO repo_retention (repo_id, log_days, artifact_days, run_days, revision_days)
     VALUES (:repoId, :logDays, :artifactDays, :runDays, :revisionDays)
     ON CONFLICT (repo_id) DO UPDATE SET log_days = :logDays, artifact_days = :artifactDays, run_days = :runDays,
       revision_days = :revisionDays`,
    { ...row },
  );
}
