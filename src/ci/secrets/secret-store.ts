// The SQL of secrets. A sealed value leaves only for the lanes that may have it.
import type { Db } from '../../db/open.ts';
import type { Secret } from './model.ts';

interface SecretRow {
  name: string;
  refs: string;
  updatedAt: number;
  updatedByName: string | null;
}

const secretOfRow = ({ name, refs, updatedAt, updatedByName }: SecretRow): Secret => ({
  name,
  refs: JSON.parse(refs) as string[],
  updatedAt,
  updatedByName: updatedByName ?? undefined,
});

const selectSecret = `SELECT s.name, s.refs, s.updated_at AS updatedAt, who.name AS updatedByName
    FROM ci_secrets s LEFT JOIN accounts who ON who.id = s.updated_by`;

export function listSecretRows(db: Db, repoId: number): Secret[] {
  const sql = `${selectSecret} WHERE s.repo_id = :repoId ORDER BY s.name`;
  return db.all<SecretRow>(sql, { repoId }).map(secretOfRow);
}

export function findSecretRow(db: Db, repoId: number, name: string): Secret | undefined {
  const sql = `${selectSecret} WHERE s.repo_id = :repoId AND s.name = :name`;
  const row = db.get<SecretRow>(sql, { repoId, name });
  return row && secretOfRow(row);
}

export const getSealed = (db: Db, repoId: number, name: string): Buffer | undefined =>
  db.get<{ sealed: Buffer }>('SELECT sealed FROM ci_secrets WHERE repo_id = :repoId AND name = :name', {
    repoId,
    name,
  })?.sealed;

export interface SecretWrite {
  repoId: number;
  name: string;
  refs: readonly string[];
  now: number;
  by: number;
}

export function putSecretRow(db: Db, { refs, ...secret }: SecretWrite & { sealed: Buffer }): void {
  db.run(
    `INSERT INTO ci_secrets (repo_id, name, sealed, refs, updated_at, updated_by)
     VALUES (:repoId, :name, :sealed, :refs, :now, :by)
     ON CONFLICT (repo_id, name) DO UPDATE SET sealed = :sealed, refs = :refs, updated_at = :now, updated_by = :by`,
    { ...secret, refs: JSON.stringify(refs) },
  );
}

/** Changes who gets a secret and leaves its value. */
export function updateSecretRefs(db: Db, { refs, ...secret }: SecretWrite): void {
  db.run(
    `UPDATE ci_secrets SET refs = :refs, updated_at = :now, updated_by = :by
      WHERE repo_id = :repoId AND name = :name`,
    { ...secret, refs: JSON.stringify(refs) },
  );
}

export const deleteSecretRow = (db: Db, repoId: number, name: string): boolean =>
  db.run('DELETE FROM ci_secrets WHERE repo_id = :repoId AND name = :name', { repoId, name }).changes === 1;
