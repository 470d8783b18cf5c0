// The SQL of candidates and their members. `token` grows with every step of a candidate; a step that names an old one
// changes nothing.
import type { Db } from '../../db/open.ts';
import type { MergeMethod } from '../../repos/model.ts';
import type { CandidateState } from './model.ts';

export interface Candidate {
  id: number;
  repoId: number;
  /** Without refs/heads/. */
  target: string;
  baseOid: string;
  /** The candidate whose commit it is built on. */
  standsOn: number | undefined;
  commitOid: string;
  treeOid: string;
  runId: number;
  state: CandidateState;
  token: number;
  retries: number;
  createdAt: number;
}

/** One branch of a candidate, in the order of their commits. */
export interface Member {
  landingId: number;
  branchId: number;
  headOid: string;
  /** The commit that merges it, on that of the member before it. */
  commitOid: string;
  method: MergeMethod;
}

const columns = `id, repo_id AS repoId, target, base_oid AS baseOid, stands_on AS standsOn, commit_oid AS commitOid,
  tree_oid AS treeOid, run_id AS runId, state, token, retries, created_at AS createdAt`;

const live = `state IN ('testing', 'landing')`;

type CandidateRow = Omit<Candidate, 'standsOn'> & { standsOn: number | null };
const candidateOf = (row: CandidateRow): Candidate => ({ ...row, standsOn: row.standsOn ?? undefined });

export function insertCandidate(
  db: Db,
  candidate: Pick<
    Candidate,
    'repoId' | 'target' | 'baseOid' | 'standsOn' | 'commitOid' | 'treeOid' | 'runId'
  > & {
    members: readonly Omit<Member, 'branchId'>[];
    now: number;
  },
): number {
  const { members, standsOn, ...row } = candidate;
  const { lastId } = db.run(
    `INSERT INTO landing_candidates (repo_id, target, base_oid, stands_on, commit_oid, tree_oid, run_id, state, created_at)
     VALUES (:repoId, :target, :baseOid, :standsOn, :commitOid, :treeOid, :runId, 'testing', :now)`,
    { ...row, standsOn: standsOn ?? null },
  );
  for (const [position, member] of members.entries()) {
    db.run(
      `INSERT INTO landing_members (candidate_id, position, landing_id, head_oid, commit_oid, method)
       VALUES (:lastId, :position, :landingId, :headOid, :commitOid, :method)`,
      { lastId, position, ...member },
    );
  }
  return lastId;
}

export function findCandidate(db: Db, id: number): Candidate | undefined {
  const row = db.get<CandidateRow>(`SELECT ${columns} FROM landing_candidates WHERE id = :id`, { id });
  return row && candidateOf(row);
}

/** Those that are tested or landed now, each standing on the one before it. */
export const listLiveCandidates = (db: Db, repoId: number): Candidate[] =>
  db
    .all<CandidateRow>(
      `SELECT ${columns} FROM landing_candidates WHERE repo_id = :repoId AND ${live} ORDER BY id`,
      { repoId },
    )
    .map(candidateOf);

export const listMembers = (db: Db, candidateId: number): Member[] =>
  db.all<Member>(
    `SELECT m.landing_id AS landingId, l.branch_id AS branchId, m.head_oid AS headOid, m.commit_oid AS commitOid, m.method
       FROM landing_members m JOIN landings l ON l.id = m.landing_id
      WHERE m.candidate_id = :candidateId ORDER BY m.position`,
    { candidateId },
  );

/** Takes a candidate one step on, by its token; the number of the next one, or undefined: somebody else was first. */
export const stepCandidate = (
  db: Db,
  step: { id: number; token: number; from: CandidateState; to: CandidateState; why?: string; now: number },
): number | undefined =>
  db.get<{ token: number }>(
    `UPDATE landing_candidates SET state = :to, token = token + 1, ended_why = :why,
            ended_at = CASE WHEN :to IN ('landed', 'failed', 'abandoned') THEN :now END
      WHERE id = :id AND token = :token AND state = :from RETURNING token`,
    { ...step, why: step.why ?? null },
  )?.token;

/** Notes that what failed is tried once more. False: it was tried before, or is not tested any more. */
export const noteRetry = (db: Db, candidate: Pick<Candidate, 'id' | 'token'>): boolean =>
  db.run(
    `UPDATE landing_candidates SET retries = retries + 1
      WHERE id = :id AND token = :token AND state = 'testing' AND retries = 0`,
    { id: candidate.id, token: candidate.token },
  ).changes === 1 &&
  db.run('UPDATE landings SET retries = retries + 1 WHERE candidate_id = :id', { id: candidate.id }).changes >
    0;

/** Live candidates that no ref keeps yet, and ended ones whose commit nobody needs any more. */
export const listPinsToChange = (
  db: Db,
  keptSince: number,
): { id: number; repoId: number; commitOid: string; isWanted: 0 | 1 }[] =>
  db.all(
    `SELECT id, repo_id AS repoId, commit_oid AS commitOid, 1 AS isWanted FROM landing_candidates
      WHERE ${live} AND is_pinned = 0
     UNION ALL
     SELECT id, repo_id, commit_oid, 0 FROM landing_candidates
      WHERE is_pinned = 1 AND (state IN ('landed', 'abandoned') OR (state = 'failed' AND ended_at < :keptSince))
      LIMIT 200`,
    { keptSince },
  );

export const setPinned = (db: Db, id: number, isPinned: boolean): void =>
  void db.run('UPDATE landing_candidates SET is_pinned = :isPinned WHERE id = :id', {
    id,
    isPinned: isPinned ? 1 : 0,
  });
