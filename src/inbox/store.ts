// The SQL of what stands in inboxes.
import type { Db } from '../db/open.ts';
import type { BranchState } from '../branches/model.ts';
import type { InboxKind } from './model.ts';

export interface ItemRow {
  accountId: number;
  kind: InboxKind;
  key: string;
}

export const listItemsOfBranch = (db: Db, branchId: number): ItemRow[] =>
  db.all(`SELECT account_id AS accountId, kind, key FROM inbox_items WHERE branch_id = :branchId`, {
    branchId,
  });

export interface ItemWrite extends ItemRow {
  branchId: number;
  repoId: number;
  at: number;
  byId: number | null;
  detail: string;
}

/** A row whose key changes is news again. */
export function putItem(db: Db, item: ItemWrite): void {
  db.run(
    `INSERT INTO inbox_items (account_id, branch_id, kind, repo_id, key, at, by_id, detail)
     VALUES (:accountId, :branchId, :kind, :repoId, :key, :at, :byId, :detail)
     ON CONFLICT (account_id, branch_id, kind) DO UPDATE SET key = :key, at = :at, by_id = :byId, detail = :detail,
       read_at = NULL, dismissed_at = NULL`,
    { ...item },
  );
}

export function deleteItem(db: Db, item: { accountId: number; branchId: number; kind: InboxKind }): void {
  db.run(
    'DELETE FROM inbox_items WHERE account_id = :accountId AND branch_id = :branchId AND kind = :kind',
    item,
  );
}

export const deleteItemsBefore = (db: Db, before: number): number =>
  db.run('DELETE FROM inbox_items WHERE at < :before', { before }).changes;

/** The repositories that somebody's inbox is about. */
export const listItemRepoIds = (db: Db, accountId: number): number[] =>
  db
    .all<{ repoId: number }>(
      'SELECT DISTINCT repo_id AS repoId FROM inbox_items WHERE account_id = :accountId AND dismissed_at IS NULL',
      { accountId },
    )
    .map(({ repoId }) => repoId);

export const countUnreadBranches = (
  db: Db,
  where: { accountId: number; repoIds: readonly number[] },
): number =>
  db.get<{ n: number }>(
    `SELECT count(DISTINCT branch_id) AS n FROM inbox_items
     WHERE account_id = :accountId AND dismissed_at IS NULL AND read_at IS NULL
       AND repo_id IN (SELECT value FROM json_each(:repos))`,
    { accountId: where.accountId, repos: JSON.stringify(where.repoIds) },
  )?.n ?? 0;

export interface EntryRow {
  branchId: number;
  repoId: number;
  number: number;
  title: string;
  state: BranchState;
  at: number;
}

export interface EntryWhere {
  accountId: number;
  repoIds: readonly number[];
  /** The last entry of the page before. */
  before: { at: number; branchId: number } | undefined;
  limit: number;
}

/** Branches with something that is not dismissed, the newest first. */
export function listEntryRows(db: Db, { accountId, repoIds, before, limit }: EntryWhere): EntryRow[] {
  return db.all(
    `SELECT item.branch_id AS branchId, branch.repo_id AS repoId, branch.number, branch.title, branch.state, item.at
     FROM (SELECT branch_id, max(at) AS at FROM inbox_items
           WHERE account_id = :accountId AND dismissed_at IS NULL
             AND repo_id IN (SELECT value FROM json_each(:repos))
           GROUP BY branch_id
           HAVING :beforeAt IS NULL OR max(at) < :beforeAt OR (max(at) = :beforeAt AND branch_id < :beforeId)
           ORDER BY max(at) DESC, branch_id DESC LIMIT :limit) AS item
     JOIN branches AS branch ON branch.id = item.branch_id
     ORDER BY item.at DESC, item.branch_id DESC`,
    {
      accountId,
      repos: JSON.stringify(repoIds),
      beforeAt: before?.at ?? null,
      beforeId: before?.branchId ?? null,
      limit,
    },
  );
}

export interface ReasonRow {
  branchId: number;
  kind: InboxKind;
  at: number;
  byName: string | null;
  detail: string;
  readAt: number | null;
}

export const listReasonRows = (
  db: Db,
  where: { accountId: number; branchIds: readonly number[] },
): ReasonRow[] =>
  db.all(
    `SELECT item.branch_id AS branchId, item.kind, item.at, who.name AS byName, item.detail, item.read_at AS readAt
     FROM inbox_items AS item LEFT JOIN accounts AS who ON who.id = item.by_id
     WHERE item.account_id = :accountId AND item.dismissed_at IS NULL
       AND item.branch_id IN (SELECT value FROM json_each(:branches))
     ORDER BY item.at DESC, item.kind`,
    { accountId: where.accountId, branches: JSON.stringify(where.branchIds) },
  );

/** Answers how many branches had something that is dismissed now. */
export function dismissItems(
  db: Db,
  where: { accountId: number; branchIds: readonly number[]; now: number },
): number {
  const rows = db.all<{ branchId: number }>(
    `UPDATE inbox_items SET dismissed_at = :now, read_at = coalesce(read_at, :now)
     WHERE account_id = :accountId AND dismissed_at IS NULL AND branch_id IN (SELECT value FROM json_each(:branches))
     RETURNING branch_id AS branchId`,
    { accountId: where.accountId, now: where.now, branches: JSON.stringify(where.branchIds) },
  );
  return new Set(rows.map(({ branchId }) => branchId)).size;
}

export const readItems = (db: Db, where: { accountId: number; branchId: number; now: number }): boolean =>
  db.run(
    `UPDATE inbox_items SET read_at = :now
     WHERE account_id = :accountId AND branch_id = :branchId AND dismissed_at IS NULL AND read_at IS NULL`,
    where,
  ).changes > 0;

/** Branches that somebody may have to look at: those that are open, or were not so long ago. */
export const listBranchIdsToLookAt = (db: Db, settledSince: number): number[] =>
  db
    .all<{ id: number }>(
      `SELECT id FROM branches WHERE state = 'open' UNION SELECT id FROM branches WHERE settled_at >= :settledSince`,
      { settledSince },
    )
    .map(({ id }) => id);
