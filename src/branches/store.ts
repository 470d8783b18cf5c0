// All SQL of branches, their revisions and the pushes that were read.
import type { Db } from '../db/open.ts';
import type { Branch, BranchState, Revision } from './model.ts';

interface BranchRow {
  id: number;
  repo_id: number;
  number: number;
  name: string;
  target: string;
  title: string;
  author_id: number | null;
  author_name: string | null;
  state: BranchState;
  head_oid: string;
  revision: number;
  merge_oid: string | null;
  broken_reason: string | null;
  created_at: number;
  updated_at: number;
  settled_at: number | null;
  settled_by_name: string | null;
}

const selectBranches = `SELECT branch.*, author.name AS author_name, settler.name AS settled_by_name
  FROM branches AS branch
  LEFT JOIN accounts AS author ON author.id = branch.author_id
  LEFT JOIN accounts AS settler ON settler.id = branch.settled_by`;

const toBranch = (row: BranchRow): Branch => ({
  id: row.id,
  repoId: row.repo_id,
  number: row.number,
  name: row.name,
  target: row.target,
  title: row.title,
  authorId: row.author_id ?? undefined,
  authorName: row.author_name ?? undefined,
  state: row.state,
  headOid: row.head_oid,
  revision: row.revision,
  mergeOid: row.merge_oid ?? undefined,
  brokenReason: row.broken_reason ?? undefined,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  settledAt: row.settled_at ?? undefined,
  settledByName: row.settled_by_name ?? undefined,
});

export function findBranchRow(
  db: Db,
  where: { id: number } | { repoId: number; number: number },
): Branch | undefined {
  const row =
    'id' in where
      ? db.get<BranchRow>(`${selectBranches} WHERE branch.id = :id`, where)
      : db.get<BranchRow>(
          `${selectBranches} WHERE branch.repo_id = :repoId AND branch.number = :number`,
          where,
        );
  return row && toBranch(row);
}

export function findOpenBranchRow(db: Db, where: { repoId: number; name: string }): Branch | undefined {
  const row = db.get<BranchRow>(
    `${selectBranches} WHERE branch.repo_id = :repoId AND branch.name = :name AND branch.state = 'open'`,
    where,
  );
  return row && toBranch(row);
}

/** Open branches, the most recently changed first; of one repository, or of all. */
export function listOpenRows(
  db: Db,
  { repoId, authorId, limit }: { repoId?: number | undefined; authorId?: number | undefined; limit: number },
): Branch[] {
  const ofRepo = repoId === undefined ? '' : 'AND branch.repo_id = :repoId';
  const ofAuthor = authorId === undefined ? '' : 'AND branch.author_id = :authorId';
  return db
    .all<BranchRow>(
      `${selectBranches} WHERE branch.state = 'open' ${ofRepo} ${ofAuthor}
       ORDER BY branch.updated_at DESC, branch.id DESC LIMIT :limit`,
      { limit, ...(repoId !== undefined && { repoId }), ...(authorId !== undefined && { authorId }) },
    )
    .map(toBranch);
}

export interface OpenHead {
  id: number;
  number: number;
  name: string;
  target: string;
  headOid: string;
  revision: number;
  /** The merge base of the newest revision. */
  baseOid: string | null;
  brokenReason: string | null;
}

/** What the scan compares with the refs: every open branch of a repository. */
export const listOpenHeads = (db: Db, repoId: number): OpenHead[] =>
  db.all(
    `SELECT branch.id, branch.number, branch.name, branch.target, branch.head_oid AS headOid, branch.revision,
       revision.base_oid AS baseOid, branch.broken_reason AS brokenReason
     FROM branches AS branch
     LEFT JOIN revisions AS revision ON revision.branch_id = branch.id AND revision.number = branch.revision
     WHERE branch.repo_id = :repoId AND branch.state = 'open'`,
    { repoId },
  );

/**
 * In one text what the scan depends on, and how many branches are broken: asked for every repository every minute, so that
 * SQLite puts it together and no object is made for each branch. Undefined when there is no such repository.
 */
export const findRowsText = (db: Db, repoId: number): { text: string; broken: number } | undefined =>
  db.get(
    `SELECT repo.default_branch || ' ' || repo.default_chosen || coalesce(char(10) || group_concat(
         branch.id || ' ' || branch.name || ' ' || branch.head_oid || ' ' || branch.target, char(10)), '') AS text,
       count(branch.broken_reason) AS broken
     FROM repos AS repo LEFT JOIN branches AS branch ON branch.repo_id = repo.id AND branch.state = 'open'
     WHERE repo.id = :repoId GROUP BY repo.id`,
    { repoId },
  );

/** Every pushed head of a repository that has to be pinned. */
export const listPushedHeads = (
  db: Db,
  repoId: number,
): { number: number; revision: number; headOid: string }[] =>
  db.all(
    `SELECT branch.number, revision.number AS revision, revision.head_oid AS headOid
     FROM revisions AS revision JOIN branches AS branch ON branch.id = revision.branch_id
     WHERE branch.repo_id = :repoId AND revision.unpinned_at IS NULL`,
    { repoId },
  );

export function listBranchRows(
  db: Db,
  where: { repoId: number; state: BranchState | null; beforeId: number | null; limit: number },
): Branch[] {
  return db
    .all<BranchRow>(
      `${selectBranches} WHERE branch.repo_id = :repoId
         AND (:state IS NULL OR branch.state = :state) AND (:beforeId IS NULL OR branch.id < :beforeId)
       ORDER BY branch.id DESC LIMIT :limit`,
      where,
    )
    .map(toBranch);
}

/** The branches of a repository that changed last, whatever their state; as many of each as asked for in all. */
export function listLatestRows(db: Db, where: { repoId: number; limit: number }): Branch[] {
  const ofState = (state: BranchState): string =>
    `SELECT id FROM (SELECT id FROM branches WHERE repo_id = :repoId AND state = '${state}'
                     ORDER BY updated_at DESC LIMIT :limit)`;
  const ids = [ofState('open'), ofState('merged'), ofState('closed')].join(' UNION ALL ');
  return db
    .all<BranchRow>(
      `${selectBranches} WHERE branch.id IN (${ids}) ORDER BY branch.updated_at DESC, branch.id DESC LIMIT :limit`,
      where,
    )
    .map(toBranch);
}

export const countByState = (db: Db, repoId: number): { state: BranchState; count: number }[] =>
  db.all('SELECT state, count(*) AS count FROM branches WHERE repo_id = :repoId GROUP BY state', { repoId });

export interface NewBranch {
  repoId: number;
  number: number;
  name: string;
  target: string;
  title: string;
  authorId: number | null;
  headOid: string;
  brokenReason: string | null;
  now: number;
}

export const insertBranch = (db: Db, branch: NewBranch): number =>
  db.run(
    `INSERT INTO branches (repo_id, number, name, target, title, author_id, state, head_oid, revision,
       broken_reason, created_at, updated_at)
     VALUES (:repoId, :number, :name, :target, :title, :authorId, 'open', :headOid, 1, :brokenReason, :now, :now)`,
    { ...branch },
  ).lastId;

/** Moves an open branch to a new revision, unless it has gone on since `fromRevision` was read. */
export function updateHead(
  db: Db,
  move: { id: number; fromRevision: number; revision: number; headOid: string; title: string; now: number },
): boolean {
  return (
    db.run(
      `UPDATE branches SET head_oid = :headOid, revision = :revision, title = :title, updated_at = :now,
         broken_reason = NULL
       WHERE id = :id AND state = 'open' AND revision = :fromRevision`,
      move,
    ).changes === 1
  );
}

/** Aims an open branch at another target, as a new revision, unless it has gone on since `fromRevision` was read. */
export const updateTarget = (
  db: Db,
  move: { id: number; fromRevision: number; target: string; now: number },
): boolean =>
  db.run(
    `UPDATE branches SET target = :target, revision = revision + 1, updated_at = :now
     WHERE id = :id AND state = 'open' AND revision = :fromRevision`,
    move,
  ).changes === 1;

/** Open branches that land on something else than their repository's default branch. */
export const listRowsAimedElsewhere = (db: Db): { id: number; repoId: number; target: string }[] =>
  db.all(
    `SELECT branch.id, branch.repo_id AS repoId, branch.target FROM branches AS branch
       JOIN repos ON repos.id = branch.repo_id
     WHERE branch.state = 'open' AND branch.target <> repos.default_branch`,
  );

/** The newest branch that ever had that name. */
export function findNewestRow(db: Db, where: { repoId: number; name: string }): Branch | undefined {
  const row = db.get<BranchRow>(
    `${selectBranches} WHERE branch.repo_id = :repoId AND branch.name = :name ORDER BY branch.id DESC LIMIT 1`,
    where,
  );
  return row && toBranch(row);
}

/** False when that is what the row says already, or the branch is settled. */
export const updateBroken = (db: Db, update: { id: number; reason: string | null }): boolean =>
  db.run(
    `UPDATE branches SET broken_reason = :reason
     WHERE id = :id AND state = 'open' AND broken_reason IS NOT :reason`,
    update,
  ).changes === 1;

/** Says of the newest revision of a branch what could not be read when it was recorded. */
export function updateMended(
  db: Db,
  update: { id: number; revision: number; title: string; baseOid: string | null; targetOid: string | null },
): void {
  const { id, revision, title, baseOid, targetOid } = update;
  db.run('UPDATE branches SET broken_reason = NULL, title = :title WHERE id = :id', { id, title });
  db.run(
    'UPDATE revisions SET base_oid = :baseOid, target_oid = :targetOid WHERE branch_id = :id AND number = :revision',
    { id, revision, baseOid, targetOid },
  );
}

export interface SettleUpdate {
  id: number;
  state: 'merged' | 'closed';
  mergeOid: string | null;
  actorId: number | null;
  now: number;
}

export const updateSettled = (db: Db, update: SettleUpdate): boolean =>
  db.run(
    `UPDATE branches SET state = :state, merge_oid = :mergeOid, settled_by = :actorId, settled_at = :now,
       updated_at = :now, broken_reason = NULL
     WHERE id = :id AND state = 'open'`,
    { ...update },
  ).changes === 1;

/** Adds what is known better to a branch that the scan found merged or gone before the merge was written down. */
export const updateMergeCommit = (db: Db, update: SettleUpdate & { mergeOid: string }): boolean =>
  db.run(
    `UPDATE branches SET state = 'merged', merge_oid = :mergeOid, settled_by = :actorId, updated_at = :now
     WHERE id = :id AND merge_oid IS NULL AND settled_by IS NULL AND state <> 'open'`,
    { id: update.id, mergeOid: update.mergeOid, actorId: update.actorId, now: update.now },
  ).changes === 1;

export const updateReopened = (db: Db, update: { id: number; now: number }): boolean =>
  db.run(
    `UPDATE branches SET state = 'open', settled_at = NULL, settled_by = NULL, updated_at = :now
     WHERE id = :id AND state = 'closed'`,
    update,
  ).changes === 1;

interface RevisionRow {
  branch_id: number;
  number: number;
  head_oid: string;
  base_oid: string | null;
  target_oid: string | null;
  pushed_by: number | null;
  pushed_by_name: string | null;
  pushed_at: number;
  unpinned_at: number | null;
}

/** The revisions of a branch, the oldest first. */
export const listRevisionRows = (db: Db, branchId: number): Revision[] =>
  db
    .all<RevisionRow>(
      `SELECT revision.*, pusher.name AS pushed_by_name FROM revisions AS revision
       LEFT JOIN accounts AS pusher ON pusher.id = revision.pushed_by
       WHERE revision.branch_id = :branchId ORDER BY revision.number`,
      { branchId },
    )
    .map((row) => ({
      branchId: row.branch_id,
      number: row.number,
      headOid: row.head_oid,
      baseOid: row.base_oid ?? undefined,
      targetOid: row.target_oid ?? undefined,
      pushedById: row.pushed_by ?? undefined,
      pushedByName: row.pushed_by_name ?? undefined,
      pushedAt: row.pushed_at,
      unpinnedAt: row.unpinned_at ?? undefined,
    }));

export interface NewRevision {
  branchId: number;
  number: number;
  headOid: string;
  baseOid: string | null;
  targetOid: string | null;
  pushedBy: number | null;
  now: number;
}

export function insertRevision(db: Db, revision: NewRevision): void {
  db.run(
    `INSERT INTO revisions (branch_id, number, head_oid, base_oid, target_oid, pushed_by, pushed_at)
     VALUES (:branchId, :number, :headOid, :baseOid, :targetOid, :pushedBy, :now)`,
    { ...revision },
  );
}

/** Names the pusher of a revision that the scan found before the push was read. */
export function updatePusher(db: Db, update: { branchId: number; number: number; pushedBy: number }): void {
  const { changes } = db.run(
    `UPDATE revisions SET pushed_by = :pushedBy
     WHERE branch_id = :branchId AND number = :number AND pushed_by IS NULL`,
    update,
  );
  if (changes === 0) return;
  db.run('UPDATE branches SET author_id = :pushedBy WHERE id = :branchId AND author_id IS NULL', {
    branchId: update.branchId,
    pushedBy: update.pushedBy,
  });
}

/** Says that the pin of a revision was given up; a branch that was reopened meanwhile keeps all of them. */
export const updateUnpinned = (db: Db, update: { branchId: number; number: number; now: number }): boolean =>
  db.run(
    `UPDATE revisions SET unpinned_at = :now
     WHERE branch_id = :branchId AND number = :number AND unpinned_at IS NULL
       AND EXISTS (SELECT 1 FROM branches b WHERE b.id = :branchId AND b.state <> 'open' AND b.revision > :number)`,
    update,
  ).changes === 1;

/** The number that the next new branch of a repository will have. */
export const nextBranchNumber = (db: Db, repoId: number): number =>
  db.get<{ next: number }>('SELECT next_branch AS next FROM repos WHERE id = :repoId', { repoId })?.next ?? 1;

export const wasIngested = (db: Db, id: string): boolean =>
  db.get('SELECT 1 FROM ingested_pushes WHERE id = :id', { id }) !== undefined;

export function insertIngested(db: Db, push: { id: string; now: number }): void {
  db.run('INSERT INTO ingested_pushes (id, ingested_at) VALUES (:id, :now) ON CONFLICT DO NOTHING', push);
}

/** Forgets old pushes: their spool files are long gone, so they cannot come again. */
export function deleteIngestedBefore(db: Db, before: number): void {
  db.run('DELETE FROM ingested_pushes WHERE ingested_at < :before', { before });
}

/** Repositories whose refs may differ from the rows: with open branches, or pushed to since `since`. */
export const listActiveRepoIds = (db: Db, since: number): number[] =>
  db
    .all<{ id: number }>(
      `SELECT id FROM repos WHERE pushed_at >= :since
         OR EXISTS (SELECT 1 FROM branches WHERE branches.repo_id = repos.id AND branches.state = 'open')`,
      { since },
    )
    .map((row) => row.id);
