// All SQL of tutorials.
import type { Db } from '../db/open.ts';
import { tutorialBody, type Tutorial, type TutorialBody, type TutorialState } from './model.ts';

interface Row {
  id: number;
  branch_id: number;
  revision: number;
  state: TutorialState;
  writer: string;
  body: string | null;
  message: string | null;
  created_at: number;
  finished_at: number | null;
}

function toTutorial(row: Row): Tutorial {
  return {
    id: row.id,
    branchId: row.branch_id,
    revision: row.revision,
    state: row.state,
    writer: row.writer,
    body: row.body === null ? undefined : tutorialBody.parse(JSON.parse(row.body)),
    message: row.message ?? undefined,
    createdAt: row.created_at,
    finishedAt: row.finished_at ?? undefined,
  };
}

export function findTutorialRow(
  db: Db,
  where: { branchId: number; revision?: number },
): Tutorial | undefined {
  const row =
    where.revision === undefined
      ? db.get<Row>('SELECT * FROM tutorials WHERE branch_id = :branchId ORDER BY revision DESC LIMIT 1', {
          branchId: where.branchId,
        })
      : db.get<Row>('SELECT * FROM tutorials WHERE branch_id = :branchId AND revision = :revision', {
          branchId: where.branchId,
          revision: where.revision,
        });
  return row && toTutorial(row);
}

/** The newest revision of every branch that has no tutorial yet gets a queued one; answers how many. */
export function queueMissing(db: Db, now: number): number {
  return db.run(
    `INSERT INTO tutorials (branch_id, revision, state, writer, created_at)
     SELECT b.id, b.revision, 'queued', 'outline', :now FROM branches b
     WHERE b.broken_reason IS NULL
       AND NOT EXISTS (SELECT 1 FROM tutorials t WHERE t.branch_id = b.id AND t.revision = b.revision)`,
    { now },
  ).changes;
}

export interface TutorialClaim {
  id: number;
  branchId: number;
  revision: number;
  token: number;
}

/** Takes the oldest tutorial that is queued, or whose writer is no longer heard of. */
export const claimTutorial = (
  db: Db,
  claim: { now: number; leaseUntil: number },
): TutorialClaim | undefined =>
  db.get<TutorialClaim>(
    `UPDATE tutorials SET state = 'running', token = token + 1, lease_until = :leaseUntil
     WHERE id = (SELECT id FROM tutorials WHERE state = 'queued' OR (state = 'running' AND lease_until < :now)
                 ORDER BY id LIMIT 1)
     RETURNING id, branch_id AS branchId, revision, token`,
    claim,
  );

export interface TutorialEnd {
  id: number;
  token: number;
  state: 'ready' | 'failed';
  body: TutorialBody | undefined;
  message: string | undefined;
  now: number;
}

/** Ends a claimed tutorial; false = the claim is lost, and nothing was written. */
export const finishTutorial = (db: Db, end: TutorialEnd): boolean =>
  db.run(
    `UPDATE tutorials SET state = :state, body = :body, message = :message, finished_at = :now, lease_until = NULL
     WHERE id = :id AND token = :token AND state = 'running'`,
    {
      ...end,
      body: end.body === undefined ? null : JSON.stringify(end.body),
      message: end.message ?? null,
    },
  ).changes === 1;

/** At a start nobody writes: what a dead program was writing is queued again. */
export const requeueAll = (db: Db): number =>
  db.run("UPDATE tutorials SET state = 'queued', lease_until = NULL WHERE state = 'running'").changes;
