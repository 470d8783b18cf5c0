// A merge is four steps: prepare (objects only), record the intent, move the refs (one transaction of git),
// finalise (one transaction of the database). After a death in between, recover.ts asks git how far it got.
import { recordAudit } from '../../accounts/audit.ts';
import { getAccount } from '../../accounts/find.ts';
import { requireAccount } from '../../accounts/guard.ts';
import type { Caller } from '../../accounts/model.ts';
import { getBranch, listRevisions } from '../../branches/find.ts';
import { pinRef, type Branch } from '../../branches/model.ts';
import { settleRow } from '../../branches/settle.ts';
import { inTurn } from '../../branches/turn.ts';
import type { Forge } from '../../forge/open.ts';
import { updateRefs, zeroOid, type RefMove } from '../../git/refs.ts';
import { ForgeError } from '../../lib/errors.ts';
import type { Hold, Slots } from '../../lib/slot.ts';
import { getRepo } from '../../repos/find.ts';
import { fullName, type MergeMethod, type Repo } from '../../repos/model.ts';
import { repoPath } from '../../repos/path.ts';
import { requireRight } from '../../repos/rights.ts';
import { branchUrl } from '../../repos/urls.ts';
import { makeCommit } from './commit.ts';
import { examineGate } from '../gate/gate.ts';
import { forceGate, type Forced } from '../gate/force.ts';
import type { GateHold, MergeView } from '../model.ts';
import { hasLanded } from './landed.ts';
import { endIntent, insertIntent, type MergeIntent } from '../store.ts';

export interface MergeOrder {
  repo: Repo;
  branch: Branch;
  caller: Caller;
  /** The head the caller has seen and means. */
  expectedHead: string;
  /** One of `methodsOf` the usual one, in place of it. */
  method?: MergeMethod | undefined;
  /** The whole commit message, in place of the usual one. */
  message?: string | undefined;
  /** Merges past a closed gate: who maintains the repository says why. */
  force?: { reason: string } | undefined;
}

/** A merge whose objects exist and which nothing refers to yet. */
export interface PreparedMerge {
  repo: Repo;
  branch: Branch;
  actorId: number;
  method: MergeMethod;
  targetOid: string;
  headOid: string;
  mergeOid: string;
  /** What was overruled. */
  forced?: Forced | undefined;
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
    const prepared = await prepareMerge(forge, order);
    await landIntents(forge, recordIntents(forge, [prepared]), { callerOf: () => caller });
    return {
      merged: true,
      commit: prepared.mergeOid,
      target: prepared.branch.target,
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
  const question = { repo, branch, caller, head: expectedHead, method: order.method };
  const { holds, headOid, targetOid, tree, method } = await examineGate(forge, question);
  const stale = holds.find((hold) => hold.kind === 'stale_head');
  if (stale !== undefined) {
    throw new ForgeError('conflict', `${stale.message} Nothing was merged. ${stale.wayOut}`);
  }
  const forced = holds.length === 0 ? undefined : overrule(forge, order, holds);
  if (headOid === undefined || targetOid === undefined || tree === undefined) throw heldBy(holds);
  const message = order.message?.trim() === '' ? undefined : order.message;
  const sides = { targetOid, headOid, tree };
  const mergeOid = await makeCommit(forge, { repo, branch, actor, method, message, ...sides });
  return { repo, branch, actorId: actor.id, method, targetOid, headOid, mergeOid, forced };
}

function overrule(forge: Forge, { repo, caller, force }: MergeOrder, holds: GateHold[]): Forced {
  if (force === undefined) throw heldBy(holds);
  return forceGate(forge, { repo, caller, reason: force.reason, holds });
}

function heldBy(holds: readonly GateHold[]): ForgeError {
  const sentences = holds.map((hold) => `${hold.message} ${hold.wayOut}`).join(' ');
  return new ForgeError('conflict', `Not merged. ${sentences}`, { details: { holds } });
}

/** Step 2: after this, a death of the process leaves something to recover. All of the rows are written or none. */
export function recordIntents(forge: Forge, prepared: readonly PreparedMerge[]): MergeIntent[] {
  return forge.db.transaction(() =>
    prepared.map(({ repo, branch, actorId, method, targetOid, headOid, mergeOid, forced }) => {
      const intent = {
        repoId: repo.id,
        branchId: branch.id,
        method,
        target: branch.target,
        targetOid,
        headOid,
        mergeOid,
        actorId,
        forced,
      };
      return { id: insertIntent(forge, intent), ...intent };
    }),
  );
}

/**
 * Step 3: the target moves, the branches go and the pins of their heads are made sure of, all or nothing, target and
 * branches only from the values that were examined. Of several intents each stands on the one before. Refuses with
 * `conflict` when a ref is another by now.
 */
export async function moveRefs(forge: Forge, intents: readonly MergeIntent[]): Promise<void> {
  const [first] = intents;
  const last = intents.at(-1);
  if (first === undefined || last === undefined) return;
  checkChain(intents);
  const moves = intents.flatMap((intent) => movesOfBranch(forge, intent));
  await updateRefs(forge.git, repoPath(forge, first.repoId), [
    { ref: `refs/heads/${first.target}`, newOid: last.mergeOid, oldOid: first.targetOid },
    ...moves,
  ]);
}

// Git would take a target that skips a commit of the chain, and nobody would see what was lost.
function checkChain(intents: readonly MergeIntent[]): void {
  intents.forEach((intent, place) => {
    const below = intents[place - 1];
    if (below === undefined) return;
    const isNext =
      intent.repoId === below.repoId && intent.target === below.target && intent.targetOid === below.mergeOid;
    if (!isNext) throw new TypeError(`the merge ${intent.id} does not stand on the merge ${below.id}`);
  });
}

function movesOfBranch(forge: Forge, intent: MergeIntent): RefMove[] {
  const branch = getBranch(forge, intent.branchId);
  const newest = listRevisions(forge, branch.id).find((revision) => revision.number === branch.revision);
  if (newest?.headOid !== intent.headOid || branch.target !== intent.target) throw movedMeanwhile();
  return [
    { ref: `refs/heads/${branch.name}`, newOid: zeroOid, oldOid: intent.headOid },
    // From any value: the pin is there already, unless it was lost, and then it is wanted back.
    { ref: pinRef(branch.number, branch.revision), newOid: intent.headOid },
  ];
}

/** Step 4: the rows say what the refs say, and `alongside` what it writes. Twice, it changes and tells nothing more. */
export function finaliseMerges(
  forge: Forge,
  intents: readonly MergeIntent[],
  words: { callerOf: (intent: MergeIntent) => Caller; alongside?: () => void },
): void {
  const ended = forge.db.transaction(() => {
    words.alongside?.();
    return intents.filter((intent) => finaliseRow(forge, intent, words.callerOf(intent)));
  });
  for (const { repoId, branchId } of ended) {
    forge.events.emit('branch-settled', { repoId, branchId, state: 'merged' });
  }
  const last = ended.at(-1);
  if (last !== undefined) forge.events.emit('target-moved', { repoId: last.repoId, oid: last.mergeOid });
}

function finaliseRow(forge: Forge, intent: MergeIntent, caller: Caller): boolean {
  if (!endIntent(forge, intent.id, 'done')) return false;
  const { branchId, mergeOid, actorId, method, forced } = intent;
  settleRow(forge, { branchId, state: 'merged', mergeOid, actorId });
  const branch = getBranch(forge, branchId);
  const detail = { head: intent.headOid, target: intent.target, commit: mergeOid, method };
  recordAudit(forge, caller, {
    action: forced === undefined ? 'branch.merge' : 'branch.force-merge',
    subject: `${fullName(getRepo(forge, intent.repoId))}#${branch.number}`,
    detail: { ...detail, ...forced },
  });
  return true;
}

/**
 * Steps 3 and 4, in turn with the scan, which would otherwise see a branch gone before its row says why. Refuses with
 * `conflict` when a ref moved meanwhile; the intents are ended then and nothing has changed.
 */
export async function landIntents(
  forge: Forge,
  intents: readonly MergeIntent[],
  words: Parameters<typeof finaliseMerges>[2],
): Promise<void> {
  const [first] = intents;
  if (first === undefined) return;
  await inTurn(forge, first.repoId, async () => {
    await moveRefsOrAbandon(forge, intents);
    finaliseMerges(forge, intents, words);
  });
}

async function moveRefsOrAbandon(forge: Forge, intents: readonly MergeIntent[]): Promise<void> {
  try {
    await moveRefs(forge, intents);
  } catch (error) {
    // An error does not say how far git got; the target does.
    const last = intents.at(-1);
    if (last !== undefined && (await hasLanded(forge, last))) return;
    forge.db.transaction(() => {
      for (const { id } of intents) endIntent(forge, id, 'abandoned');
    });
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
