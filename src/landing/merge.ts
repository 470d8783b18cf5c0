// A merge is four steps: prepare (objects only), record the intent, move the refs (one transaction of git),
// finalise (one transaction of the database). After a death in between, recover.ts asks git how far it got.
import { recordAudit } from '../accounts/audit.ts';
import { getAccount } from '../accounts/find.ts';
import { requireAccount } from '../accounts/guard.ts';
import type { Caller } from '../accounts/model.ts';
import { getBranch, listRevisions } from '../branches/find.ts';
import { pinRef, type Branch } from '../branches/model.ts';
import { settleRow } from '../branches/settle.ts';
import { inTurn } from '../branches/turn.ts';
import type { Forge } from '../forge/open.ts';
import { updateRefs, zeroOid } from '../git/refs.ts';
import { ForgeError } from '../lib/errors.ts';
import type { Hold, Slots } from '../lib/slot.ts';
import { getRepo } from '../repos/find.ts';
import { fullName, type Repo } from '../repos/model.ts';
import { repoPath } from '../repos/path.ts';
import { requireRight } from '../repos/rights.ts';
import { branchUrl } from '../repos/urls.ts';
import { makeCommit } from './commit.ts';
import { examineGate } from './gate.ts';
import type { MergeView } from './model.ts';
import { hasLanded } from './landed.ts';
import { endIntent, insertIntent, type MergeIntent } from './store.ts';

export interface MergeOrder {
  repo: Repo;
  branch: Branch;
  caller: Caller;
  /** The head the caller has seen and means. */
  expectedHead: string;
  /** The whole commit message, in place of the usual one. */
  message?: string | undefined;
}

/** A merge whose objects exist and which nothing refers to yet. */
export interface PreparedMerge {
  repo: Repo;
  branch: Branch;
  actorId: number;
  targetOid: string;
  headOid: string;
  mergeOid: string;
}

/**
 * Lands the branch on its target. Refuses with `conflict`: the branch or its target moved, another merge of
 * the repository is under way, or the gate is closed (`details.holds` says by what). Nothing is written then.
 */
export async function mergeBranch(forge: Forge, order: MergeOrder & { slots: Slots }): Promise<MergeView> {
  const { repo, caller } = order;
  requireRight(forge, caller, { repo, right: 'write' });
  const hold = takeMergeSlot(order.slots, repo);
  try {
    const intent = recordIntent(forge, await prepareMerge(forge, order));
    // In turn with the scan, which would otherwise see the branch gone before its row says why.
    await inTurn(forge, repo.id, async () => {
      await moveRefsOrAbandon(forge, intent);
      finaliseMerge(forge, intent, caller);
    });
    return {
      merged: true,
      commit: intent.mergeOid,
      target: intent.target,
      url: branchUrl(forge, repo, order.branch.number),
    };
  } finally {
    hold.release();
  }
}

/** The right to change what is open and what landed in a repository; one holder at a time. */
export function takeMergeSlot(slots: Slots, repo: Repo): Hold {
  const hold = slots.tryTake(`merge:${repo.id}`);
  if (hold !== undefined) return hold;
  throw new ForgeError('conflict', `Another merge in ${fullName(repo)} is under way. Try again in a moment.`);
}

/** Step 1: asks the gate about fixed object ids and makes the commit. The row is read again: it may have settled. */
export async function prepareMerge(forge: Forge, order: MergeOrder): Promise<PreparedMerge> {
  const { repo, caller, expectedHead } = order;
  const actor = requireAccount(caller, 'write');
  const branch = getBranch(forge, order.branch.id);
  const { holds, headOid, targetOid, tree } = await examineGate(forge, {
    repo,
    branch,
    caller,
    head: expectedHead,
  });
  const stale = holds.find((hold) => hold.kind === 'stale_head');
  if (stale !== undefined) {
    throw new ForgeError('conflict', `${stale.message} Nothing was merged. ${stale.wayOut}`);
  }
  if (holds.length > 0 || headOid === undefined || targetOid === undefined || tree === undefined) {
    const sentences = holds.map((hold) => `${hold.message} ${hold.wayOut}`).join(' ');
    throw new ForgeError('conflict', `Not merged. ${sentences}`, { details: { holds } });
  }
  const mergeOid = await makeCommit(forge, {
    repo,
    branch,
    actor,
    message: order.message,
    targetOid,
    headOid,
    tree,
  });
  return { repo, branch, actorId: actor.id, targetOid, headOid, mergeOid };
}

/** Step 2: after this, a death of the process leaves something to recover. */
export function recordIntent(forge: Forge, prepared: PreparedMerge): MergeIntent {
  const { repo, branch, actorId, targetOid, headOid, mergeOid } = prepared;
  const intent = {
    repoId: repo.id,
    branchId: branch.id,
    method: repo.mergeMethod,
    target: branch.target,
    targetOid,
    headOid,
    mergeOid,
    actorId,
  };
  return { id: insertIntent(forge, intent), ...intent };
}

/**
 * Step 3: the target moves, the branch goes and its head's pin is made sure of, all or nothing, target and
 * branch only from the value that was examined. Refuses with `conflict` when one of them is another by now.
 */
export async function moveRefs(forge: Forge, intent: MergeIntent): Promise<void> {
  const branch = getBranch(forge, intent.branchId);
  const newest = listRevisions(forge, branch.id).find((revision) => revision.number === branch.revision);
  if (newest?.headOid !== intent.headOid) throw movedMeanwhile();
  await updateRefs(forge.git, repoPath(forge, intent.repoId), [
    { ref: `refs/heads/${intent.target}`, newOid: intent.mergeOid, oldOid: intent.targetOid },
    { ref: `refs/heads/${branch.name}`, newOid: zeroOid, oldOid: intent.headOid },
    // From any value: the pin is there already, unless it was lost, and then it is wanted back.
    { ref: pinRef(branch.number, branch.revision), newOid: intent.headOid },
  ]);
}

/** Step 4: the rows say what the refs say. Doing it twice changes and tells nothing. */
export function finaliseMerge(forge: Forge, intent: MergeIntent, caller: Caller): void {
  const repo = getRepo(forge, intent.repoId);
  const branch = getBranch(forge, intent.branchId);
  const ended = forge.db.transaction(() => {
    if (!endIntent(forge, intent.id, 'done')) return false;
    settleRow(forge, {
      branchId: intent.branchId,
      state: 'merged',
      mergeOid: intent.mergeOid,
      actorId: intent.actorId,
    });
    recordAudit(forge, caller, {
      action: 'branch.merge',
      subject: `${fullName(repo)}#${branch.number}`,
      detail: { head: intent.headOid, target: intent.target, commit: intent.mergeOid, method: intent.method },
    });
    return true;
  });
  if (!ended) return;
  forge.events.emit('branch-settled', { repoId: repo.id, branchId: branch.id, state: 'merged' });
  forge.events.emit('target-moved', { repoId: repo.id, oid: intent.mergeOid });
}

async function moveRefsOrAbandon(forge: Forge, intent: MergeIntent): Promise<void> {
  try {
    await moveRefs(forge, intent);
  } catch (error) {
    // An error does not say how far git got; the target does.
    if (await hasLanded(forge, intent)) return;
    endIntent(forge, intent.id, 'abandoned');
    if (error instanceof ForgeError && error.code === 'conflict') throw movedMeanwhile(error);
    throw error;
  }
}

const movedMeanwhile = (cause?: unknown): ForgeError =>
  new ForgeError(
    'conflict',
    'The branch moved, or its target did, while it was being merged. Nothing was merged. Fetch, look again, and merge again.',
    { cause },
  );

/** Whoever ordered a merge that is finished after a restart. */
export const recoveredCaller = (forge: Forge, intent: MergeIntent): Caller => ({
  account: getAccount(forge, intent.actorId),
  scope: 'write',
  credential: 'recovery after a restart',
  address: '',
});
