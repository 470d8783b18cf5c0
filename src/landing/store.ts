// The merges table: the intent of every merge, written before refs move and ended after.
import type { Forge } from '../forge/open.ts';
import type { MergeMethod } from '../repos/model.ts';
import type { Forced } from './gate/force.ts';

export interface MergeIntent {
  id: number;
  repoId: number;
  branchId: number;
  method: MergeMethod;
  /** The target's name, without refs/heads/. */
  target: string;
  targetOid: string;
  headOid: string;
  mergeOid: string;
  actorId: number;
  /** Set when it went past a closed gate. */
  forced: Forced | undefined;
}

interface MergeRow {
  id: number;
  repo_id: number;
  branch_id: number;
  method: MergeMethod;
  target: string;
  target_oid: string;
  head_oid: string;
  merge_oid: string;
  actor_id: number;
  forced: string | null;
}

export function insertIntent(forge: Forge, intent: Omit<MergeIntent, 'id'>): number {
  const { forced } = intent;
  const { lastId } = forge.db.run(
    `INSERT INTO merges (repo_id, branch_id, method, target, target_oid, head_oid, merge_oid, actor_id, forced, state, created_at)
     VALUES (:repoId, :branchId, :method, :target, :targetOid, :headOid, :mergeOid, :actorId, :forced, 'intended', :now)`,
    { ...intent, forced: forced === undefined ? null : JSON.stringify(forced), now: forge.clock.now() },
  );
  return lastId;
}

/** Ends an intent; false when somebody else already did. */
export function endIntent(forge: Forge, id: number, state: 'done' | 'abandoned'): boolean {
  const { changes } = forge.db.run(
    `UPDATE merges SET state = :state, finished_at = :now WHERE id = :id AND state = 'intended'`,
    { id, state, now: forge.clock.now() },
  );
  return changes === 1;
}

const selectMerges = `SELECT id, repo_id, branch_id, method, target, target_oid, head_oid, merge_oid, actor_id, forced
  FROM merges`;

const toIntent = (row: MergeRow): MergeIntent => ({
  id: row.id,
  repoId: row.repo_id,
  branchId: row.branch_id,
  method: row.method,
  target: row.target,
  targetOid: row.target_oid,
  headOid: row.head_oid,
  mergeOid: row.merge_oid,
  actorId: row.actor_id,
  forced: row.forced === null ? undefined : (JSON.parse(row.forced) as Forced),
});

export const listIntended = (forge: Forge): MergeIntent[] =>
  forge.db.all<MergeRow>(`${selectMerges} WHERE state = 'intended' ORDER BY id`).map(toIntent);

/** The merge that landed a branch; undefined when nobody merged it here. */
export function findMerge(forge: Forge, branchId: number): MergeIntent | undefined {
  const where = `WHERE branch_id = :branchId AND state = 'done' ORDER BY id DESC LIMIT 1`;
  const row = forge.db.get<MergeRow>(`${selectMerges} ${where}`, { branchId });
  return row && toIntent(row);
}

export interface BranchFilter {
  repoId: number;
  state: string | null;
  name: string | null;
  head: string | null;
  beforeNumber: number | null;
  limit: number;
}

/** Ids of the branches that match, the newest number first. */
export function listBranchIds(forge: Forge, filter: BranchFilter): number[] {
  const rows = forge.db.all<{ id: number }>(
    `SELECT id FROM branches
      WHERE repo_id = :repoId
        AND (:state IS NULL OR state = :state)
        AND (:name IS NULL OR name = :name)
        AND (:head IS NULL OR head_oid = :head)
        AND (:beforeNumber IS NULL OR number < :beforeNumber)
      ORDER BY number DESC LIMIT :limit`,
    { ...filter },
  );
  return rows.map((row) => row.id);
}
