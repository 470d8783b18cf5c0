// All SQL of tutorials.
import type { Db } from '../db/open.ts';
import { Recent } from '../lib/recent.ts';
import {
  tutorialBody,
  writerUsage,
  type Tutorial,
  type TutorialBody,
  type TutorialState,
  type WriterUsage,
} from './model.ts';

interface Row {
  id: number;
  branch_id: number;
  revision: number;
  state: TutorialState;
  writer: string;
  body: string | null;
  message: string | null;
  usage: string | null;
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
    body: row.body === null ? undefined : bodyOf(row.id, row.body),
    message: row.message ?? undefined,
    usage: row.usage === null ? undefined : writerUsage.parse(JSON.parse(row.usage)),
    createdAt: row.created_at,
    finishedAt: row.finished_at ?? undefined,
  };
}

// A page asks several times for the tutorial of its branch, and that of a large one takes long to check.
const parsed = new Recent<{ text: string; body: TutorialBody }>(8_000_000);

function bodyOf(id: number, text: string): TutorialBody {
  const known = parsed.find(String(id));
  if (known?.text === text) return known.body;
  const body = tutorialBody.parse(JSON.parse(text));
  parsed.keep(String(id), { text, body }, 3 * text.length);
  return body;
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

/** The newest revision's tutorial that has something to show; without any, the newest of all. */
export function findShownRow(db: Db, branchId: number): Tutorial | undefined {
  const row = db.get<Row>(
    'SELECT * FROM tutorials WHERE branch_id = :branchId ORDER BY body IS NULL, revision DESC LIMIT 1',
    { branchId },
  );
  return row && toTutorial(row);
}

/** Puts a tutorial that is ready, or has failed, back into the queue with what it shows; false = there is none such. */
export const requeueTutorial = (db: Db, which: { branchId: number; revision: number }): boolean =>
  db.run(
    `UPDATE tutorials SET state = 'queued', attempts = 0, not_before = NULL, message = NULL, finished_at = NULL
     WHERE branch_id = :branchId AND revision = :revision AND state IN ('ready', 'failed')`,
    which,
  ).changes === 1;

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
  /** How often it was tried, this time among them. */
  attempts: number;
}

/** Takes the oldest tutorial that is due, or whose writer is no longer heard of. */
export const claimTutorial = (
  db: Db,
  claim: { now: number; leaseUntil: number },
): TutorialClaim | undefined =>
  db.get<TutorialClaim>(
    `UPDATE tutorials SET state = 'running', token = token + 1, attempts = attempts + 1, lease_until = :leaseUntil
     WHERE id = (SELECT id FROM tutorials
                 WHERE state IN ('queued', 'running')
                   AND (state = 'queued' AND (not_before IS NULL OR not_before <= :now)
                     OR state = 'running' AND lease_until < :now)
                 ORDER BY +id LIMIT 1)
     RETURNING id, branch_id AS branchId, revision, token, attempts`,
    claim,
  );

/** Keeps what is shown until the writer has answered; false = the claim is lost. */
export const keepDraft = (db: Db, draft: { id: number; token: number; body: TutorialBody }): boolean =>
  db.run(`UPDATE tutorials SET body = :body WHERE id = :id AND token = :token AND state = 'running'`, {
    id: draft.id,
    token: draft.token,
    body: JSON.stringify(draft.body),
  }).changes === 1;

/** Puts a claimed tutorial back into the queue until `notBefore`. */
export function postponeTutorial(
  db: Db,
  order: { id: number; token: number; notBefore: number; message: string },
): void {
  const { id, token, notBefore, message } = order;
  db.run(
    `UPDATE tutorials SET state = 'queued', lease_until = NULL, not_before = :notBefore, message = :message
     WHERE id = :id AND token = :token AND state = 'running'`,
    { id, token, notBefore, message },
  );
}

export interface TutorialEnd {
  id: number;
  token: number;
  state: 'ready' | 'failed';
  writer: string;
  body?: TutorialBody;
  message?: string;
  usage?: WriterUsage;
  now: number;
}

/** Ends a claimed tutorial; false = the claim is lost, and nothing was written. */
export const finishTutorial = (db: Db, end: TutorialEnd): boolean =>
  db.run(
    `UPDATE tutorials SET state = :state, writer = :writer, body = :body, message = :message, usage = :usage,
       finished_at = :now, lease_until = NULL, not_before = NULL
     WHERE id = :id AND token = :token AND state = 'running'`,
    {
      id: end.id,
      token: end.token,
      state: end.state,
      writer: end.writer,
      body: end.body === undefined ? null : JSON.stringify(end.body),
      message: end.message ?? null,
      usage: end.usage === undefined ? null : JSON.stringify(end.usage),
      now: end.now,
    },
  ).changes === 1;

/** At a start nobody writes: what a dead program was writing is queued again. */
export const requeueAll = (db: Db): number =>
  db.run(
    `UPDATE tutorials SET state = 'queued', lease_until = NULL, attempts = max(0, attempts - 1)
     WHERE state = 'running'`,
  ).changes;

/** Of one revision; one that is being written stays. */
export function deleteTutorial(db: Db, tutorial: { branchId: number; revision: number }): void {
  db.run(
    "DELETE FROM tutorials WHERE branch_id = :branchId AND revision = :revision AND state IN ('ready', 'failed')",
    tutorial,
  );
}
