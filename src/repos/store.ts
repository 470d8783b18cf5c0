// All SQL of repositories, their members, their protected refs and their housekeeping.
import type { Db } from '../db/open.ts';
import type { HousekeepingState, Member, MergeMethod, Repo, Right, Visibility } from './model.ts';

interface RepoRow {
  id: number;
  owner: string;
  name: string;
  description: string;
  visibility: Visibility;
  default_branch: string;
  merge_method: MergeMethod;
  default_chosen: number;
  takes_notes: number;
  created_at: number;
  pushed_at: number | null;
}

const columns =
  'id, owner, name, description, visibility, default_branch, default_chosen, merge_method, takes_notes, created_at, pushed_at';

function toRepo(row: RepoRow): Repo {
  const { id, owner, name, description, visibility } = row;
  return {
    id,
    owner,
    name,
    description,
    visibility,
    defaultBranch: row.default_branch,
    isDefaultChosen: row.default_chosen === 1,
    mergeMethod: row.merge_method,
    takesNotes: row.takes_notes === 1,
    createdAt: row.created_at,
    pushedAt: row.pushed_at ?? undefined,
  };
}

export function findRepoRow(
  db: Db,
  where: { id: number } | { owner: string; name: string },
): Repo | undefined {
  const row =
    'id' in where
      ? db.get<RepoRow>(`SELECT ${columns} FROM repos WHERE id = :id`, where)
      : db.get<RepoRow>(`SELECT ${columns} FROM repos WHERE owner = :owner AND name = :name`, where);
  return row && toRepo(row);
}

export const listRepoRows = (db: Db): Repo[] =>
  db
    .all<RepoRow>(`SELECT ${columns} FROM repos ORDER BY coalesce(pushed_at, created_at) DESC, id DESC`)
    .map(toRepo);

export interface NewRepo {
  owner: string;
  name: string;
  visibility: Visibility;
  defaultBranch: string;
  isDefaultChosen: boolean;
  description: string;
  createdAt: number;
  createdBy: number | null;
}

export const insertRepo = (db: Db, repo: NewRepo): number =>
  db.run(
    `INSERT INTO repos (owner, name, visibility, default_branch, default_chosen, description, created_at, created_by)
     VALUES (:owner, :name, :visibility, :defaultBranch, :isDefaultChosen, :description, :createdAt, :createdBy)`,
    { ...repo, isDefaultChosen: Number(repo.isDefaultChosen) },
  ).lastId;

export function updateDefaultBranch(db: Db, update: { id: number; defaultBranch: string }): void {
  db.run('UPDATE repos SET default_branch = :defaultBranch WHERE id = :id', update);
}

export interface SettingsUpdate {
  id: number;
  name: string;
  description: string;
  visibility: Visibility;
  mergeMethod: MergeMethod;
  takesNotes: boolean;
}

export function updateSettings(db: Db, update: SettingsUpdate): void {
  db.run(
    `UPDATE repos SET name = :name, description = :description, visibility = :visibility,
       merge_method = :mergeMethod, takes_notes = :takesNotes WHERE id = :id`,
    { ...update, takesNotes: Number(update.takesNotes) },
  );
}

/** As somebody asked for it: from now on no push changes it. */
export function updateChosenDefault(db: Db, update: { id: number; defaultBranch: string }): void {
  db.run('UPDATE repos SET default_branch = :defaultBranch, default_chosen = 1 WHERE id = :id', update);
}

export function stampPush(db: Db, push: { id: number; now: number }): void {
  db.run('UPDATE repos SET pushed_at = :now WHERE id = :id', push);
}

/** Hands out the next number of a repository's branches or runs; call it in the transaction that uses it. */
export function takeNumber(db: Db, repoId: number, counter: 'next_branch' | 'next_run'): number {
  const row = db.get<{ taken: number }>(
    `UPDATE repos SET ${counter} = ${counter} + 1 WHERE id = :repoId RETURNING ${counter} - 1 AS taken`,
    { repoId },
  );
  if (row === undefined) throw new Error(`no repository ${repoId}`);
  return row.taken;
}

export function findMemberRole(db: Db, member: { repoId: number; accountId: number }): Right | undefined {
  return db.get<{ role: Right }>(
    'SELECT role FROM repo_members WHERE repo_id = :repoId AND account_id = :accountId',
    member,
  )?.role;
}

export function putMember(db: Db, member: { repoId: number; accountId: number; role: string }): void {
  db.run(
    `INSERT INTO repo_members (repo_id, account_id, role) VALUES (:repoId, :accountId, :role)
     ON CONFLICT (repo_id, account_id) DO UPDATE SET role = excluded.role`,
    member,
  );
}

export const listMemberRows = (db: Db, repoId: number): Member[] =>
  db.all(
    `SELECT a.name, a.kind, m.role FROM repo_members m JOIN accounts a ON a.id = m.account_id
      WHERE m.repo_id = :repoId ORDER BY a.name`,
    { repoId },
  );

export const deleteMember = (db: Db, member: { repoId: number; accountId: number }): boolean =>
  db.run('DELETE FROM repo_members WHERE repo_id = :repoId AND account_id = :accountId', member).changes ===
  1;

export const listProtectedPatterns = (db: Db, repoId: number): string[] =>
  db
    .all<{ pattern: string }>('SELECT pattern FROM protected_refs WHERE repo_id = :repoId ORDER BY pattern', {
      repoId,
    })
    .map((row) => row.pattern);

/** False when the pattern was protected before. */
export const insertProtected = (db: Db, row: { repoId: number; pattern: string }): boolean =>
  db.run(
    'INSERT INTO protected_refs (repo_id, pattern) VALUES (:repoId, :pattern) ON CONFLICT DO NOTHING',
    row,
  ).changes === 1;

/** False when there was no such pattern. */
export const deleteProtected = (db: Db, row: { repoId: number; pattern: string }): boolean =>
  db.run('DELETE FROM protected_refs WHERE repo_id = :repoId AND pattern = :pattern', row).changes === 1;

export interface HousekeepingRow {
  repoId: number;
  state: HousekeepingState;
  /** JSON, as are `before` and `after`. */
  steps: string;
  error: string | null;
  before: string;
  after: string | null;
  startedAt: number;
  endedAt: number | null;
  /** When a sweep last ended well. */
  sweptAt: number | null;
}

const selectHousekeeping = `SELECT repo_id AS repoId, state, steps, error, before, after, started_at AS startedAt,
    ended_at AS endedAt, swept_at AS sweptAt
  FROM housekeeping`;

export const findHousekeeping = (db: Db, repoId: number): HousekeepingRow | undefined =>
  db.get(`${selectHousekeeping} WHERE repo_id = :repoId`, { repoId });

/** What is under way first, then what failed, then the newest. */
export const listHousekeeping = (db: Db, limit: number): HousekeepingRow[] =>
  db.all(
    `${selectHousekeeping}
     ORDER BY CASE state WHEN 'running' THEN 0 WHEN 'failed' THEN 1 WHEN 'interrupted' THEN 2 ELSE 3 END,
       started_at DESC, repo_id
     LIMIT :limit`,
    { limit },
  );

export function putHousekeeping(db: Db, row: HousekeepingRow): void {
  db.run(
    `INSERT INTO housekeeping (repo_id, state, steps, error, before, after, started_at, ended_at, swept_at)
     VALUES (:repoId, :state, :steps, :error, :before, :after, :startedAt, :endedAt, :sweptAt)
     ON CONFLICT (repo_id) DO UPDATE SET state = excluded.state, steps = excluded.steps, error = excluded.error,
       before = excluded.before, after = excluded.after, started_at = excluded.started_at,
       ended_at = excluded.ended_at, swept_at = excluded.swept_at`,
    { ...row },
  );
}

/** For the start: what ran when the forge ended does not run any more. */
export const interruptHousekeeping = (db: Db): number =>
  db.run(`UPDATE housekeeping SET state = 'interrupted' WHERE state = 'running'`).changes;
