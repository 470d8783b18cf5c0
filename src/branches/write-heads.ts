// The rows of heads that were read and pinned (record-heads.ts).
import type { FactName, Facts } from '../forge/events.ts';
import type { Forge } from '../forge/open.ts';
import type { Repo } from '../repos/model.ts';
import { takeBranchNumber } from '../repos/take-number.ts';
import type { ReadHead } from './record-heads.ts';
import {
  insertBranch,
  insertRevision,
  updateBroken,
  updateHead,
  updateMended,
  updatePusher,
} from './store.ts';

type Told = 'branch-pushed' | 'branch-broken';
/** A fact to be told when the transaction that made it true has committed. */
export type PendingFact = { [Name in Told]: { name: Name; payload: Facts[Name] } }[Told];

/** Records heads as new branches or new revisions, in the caller's transaction. Answers the facts to tell after it. */
export function writeHeads(forge: Forge, repo: Repo, heads: readonly ReadHead[]): PendingFact[] {
  return heads.map((head) => writeHead(forge, repo, head)).filter((fact) => fact !== undefined);
}

export function tellAll(forge: Forge, facts: readonly PendingFact[]): void {
  const emit = forge.events.emit.bind(forge.events) as (name: FactName, payload: unknown) => void;
  for (const { name, payload } of facts) emit(name, payload);
}

function writeHead(forge: Forge, repo: Repo, head: ReadHead): PendingFact | undefined {
  const { existing, problem, pushedBy } = head;
  if (existing === undefined) return factOf(repo, head, insertNew(forge, repo, head));
  if (head.isKnown && pushedBy !== undefined) {
    updatePusher(forge.db, { branchId: existing.id, number: existing.revision, pushedBy });
  }
  if (problem !== undefined) {
    // The row keeps the last head that could be read.
    const isNews = updateBroken(forge.db, { id: existing.id, reason: problem });
    return isNews ? factOf(repo, head, existing.id) : undefined;
  }
  if (!head.isKnown) {
    moveOn(forge, head, existing);
    return factOf(repo, head, existing.id);
  }
  if (existing.brokenReason === undefined) return undefined;
  updateMended(forge.db, {
    id: existing.id,
    revision: head.revision,
    title: head.title,
    baseOid: head.baseOid ?? null,
    targetOid: head.targetOid ?? null,
  });
  return factOf(repo, head, existing.id);
}

function factOf(repo: Repo, head: ReadHead, branchId: number): PendingFact {
  const { problem: reason, revision } = head;
  return reason === undefined
    ? { name: 'branch-pushed', payload: { repoId: repo.id, branchId, revision } }
    : { name: 'branch-broken', payload: { repoId: repo.id, branchId, reason } };
}

function insertNew(forge: Forge, repo: Repo, head: ReadHead): number {
  const number = takeBranchNumber(forge, repo.id);
  // Its pin has the number in its name; nobody else takes one in this repository's turn.
  if (number !== head.number) throw new Error(`branch ${head.number} became ${number} while it was recorded`);
  const now = forge.clock.now();
  const branchId = insertBranch(forge.db, {
    repoId: repo.id,
    number,
    name: head.name,
    target: head.target ?? repo.defaultBranch,
    title: head.title,
    authorId: head.pushedBy ?? null,
    headOid: head.headOid,
    brokenReason: head.problem ?? null,
    now,
  });
  insertPushed(forge, head, { branchId, now });
  return branchId;
}

function moveOn(forge: Forge, head: ReadHead, existing: { id: number; revision: number }): void {
  const now = forge.clock.now();
  const { revision, headOid, title } = head;
  const move = { id: existing.id, fromRevision: existing.revision, revision, headOid, title, now };
  // Settled while its head was read: throw the whole record away, the scan looks again.
  if (!updateHead(forge.db, move)) throw new Error(`branch ${existing.id} changed while it was recorded`);
  insertPushed(forge, head, { branchId: existing.id, now });
}

const insertPushed = (forge: Forge, head: ReadHead, row: { branchId: number; now: number }): void =>
  insertRevision(forge.db, {
    ...row,
    number: head.revision,
    headOid: head.headOid,
    baseOid: head.baseOid ?? null,
    targetOid: head.targetOid ?? null,
    pushedBy: head.pushedBy ?? null,
  });
