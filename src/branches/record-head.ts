// Turns one pushed head into rows and a pin. Only called in the repository's turn (turn.ts).
import type { Facts } from '../forge/events.ts';
import type { Forge } from '../forge/open.ts';
import { commitSummary, mergeBase } from '../git/objects.ts';
import { updateRefs } from '../git/refs.ts';
import type { Repo } from '../repos/model.ts';
import { repoPath } from '../repos/path.ts';
import { takeBranchNumber } from '../repos/take-number.ts';
import { pinRef, type Branch } from './model.ts';
import {
  findOpenBranchRow,
  insertBranch,
  insertRevision,
  nextBranchNumber,
  updateBroken,
  updateHead,
  updatePusher,
} from './store.ts';

export interface PushedHead {
  repo: Repo;
  /** Without refs/heads/. */
  name: string;
  headOid: string;
  /** Where the target stood; undefined when it does not exist. */
  targetOid: string | undefined;
  /** The account that pushed, when it is known. */
  pushedBy: number | undefined;
}

type Pushed = Facts['branch-pushed'];

interface ReadHead extends PushedHead {
  title: string;
  baseOid: string | undefined;
}

/**
 * Records a head as a new branch or a new revision; undefined when it was recorded before. The pin comes before
 * the rows: a crash in between leaves a pin that the next try writes again, and never a row without its pin.
 */
export async function recordHead(forge: Forge, head: PushedHead): Promise<Pushed | undefined> {
  const { repo, name, headOid, targetOid, pushedBy } = head;
  const existing = findOpenBranchRow(forge.db, { repoId: repo.id, name });
  if (existing?.headOid === headOid) {
    if (existing.brokenReason !== undefined) updateBroken(forge.db, { id: existing.id, reason: null });
    if (pushedBy !== undefined) {
      updatePusher(forge.db, { branchId: existing.id, number: existing.revision, pushedBy });
    }
    return undefined;
  }
  const path = repoPath(forge, repo.id);
  const { subject } = await commitSummary(forge.git, path, headOid);
  const title = subject.slice(0, 200) || name;
  const baseOid = targetOid === undefined ? undefined : await mergeBase(forge.git, path, targetOid, headOid);
  const number = existing?.number ?? nextBranchNumber(forge.db, repo.id);
  const revision = (existing?.revision ?? 0) + 1;
  await updateRefs(forge.git, path, [{ ref: pinRef(number, revision), newOid: headOid }]);
  return forge.db.transaction(() => insertRows(forge, { ...head, title, baseOid }, existing));
}

function insertRows(forge: Forge, head: ReadHead, existing: Branch | undefined): Pushed {
  const { repo, headOid, title } = head;
  const now = forge.clock.now();
  const revision = (existing?.revision ?? 0) + 1;
  const branchId = existing === undefined ? insertNew(forge, head, now) : existing.id;
  if (existing !== undefined) {
    const move = { id: existing.id, fromRevision: existing.revision, revision, headOid, title, now };
    // Settled while its head was read: throw the whole record away, the scan looks again.
    if (!updateHead(forge.db, move)) throw new Error(`branch ${existing.id} changed while it was recorded`);
  }
  insertRevision(forge.db, {
    branchId,
    number: revision,
    headOid,
    baseOid: head.baseOid ?? null,
    targetOid: head.targetOid ?? null,
    pushedBy: head.pushedBy ?? null,
    now,
  });
  return { repoId: repo.id, branchId, revision };
}

const insertNew = (forge: Forge, head: ReadHead, now: number): number =>
  insertBranch(forge.db, {
    repoId: head.repo.id,
    number: takeBranchNumber(forge, head.repo.id),
    name: head.name,
    target: head.repo.defaultBranch,
    title: head.title,
    authorId: head.pushedBy ?? null,
    headOid: head.headOid,
    now,
  });
