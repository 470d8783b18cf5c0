// One pull: takes the upstream, brings what it has, writes down what came of it. The hold is the guard: nobody pulls without.
import type { Forge } from '../../forge/open.ts';
import { ForgeError, errorMessage } from '../../lib/errors.ts';
import type { Hold, Slots } from '../../lib/slot.ts';
import { getRepo } from '../../repos/find.ts';
import { repoPath } from '../../repos/path.ts';
import { adoptDefaultBranch, recordPush } from '../../repos/record-push.ts';
import { openCredential } from '../remote/credential.ts';
import { bringObjects, type BroughtObjects } from '../lfs/bring-objects.ts';
import type { LfsRemote } from '../lfs/find-server.ts';
import { isIncomplete, tellBrought } from '../lfs/tell-objects.ts';
import { reachRemote, type Reach } from '../remote/reach-remote.ts';
import { parseRemoteAddress } from '../remote/remote-address.ts';
import { bringRefs, type Brought, type Coming } from './bring-refs.ts';
import type { Progress } from './follow-progress.ts';
import type { PulledRef, PullState, Upstream } from './model.ts';
import {
  deletePull,
  deletePulledRef,
  finishPull,
  insertPull,
  listPulledRefs,
  putPulledRef,
} from './pull-store.ts';
import {
  claimUpstream,
  findUpstreamRow,
  getSealed,
  releaseCancelled,
  releaseDone,
  releaseFailed,
  updateHostKeys,
} from './upstream-store.ts';

const leaseSpareMs = 10 * 60_000;

/** What a sealed credential is bound to. */
export const placeOfUpstream = (repoId: number): string => `upstream of ${repoId}`;

export interface PullHold extends Hold {
  readonly repoId: number;
  readonly pullId: number;
  readonly token: number;
  /** The newest wish that the pull fulfils. */
  readonly generation: number;
}

/** Undefined when somebody pulls already. The holder releases it in `finally`. */
export function takeUpstream(forge: Forge, slots: Slots, repoId: number): PullHold | undefined {
  const slot = slots.tryTake(`pull ${repoId}`);
  if (slot === undefined) return undefined;
  const now = forge.clock.now();
  const { pullMinutes, lfsMinutes } = forge.config.mirror;
  const leaseUntil = now + (pullMinutes + lfsMinutes) * 60_000 + leaseSpareMs;
  try {
    const taken = forge.db.transaction(() => {
      const claim = claimUpstream(forge.db, { repoId, leaseUntil });
      if (claim === undefined) return undefined;
      const { token, wanted: generation } = claim;
      return { token, generation, pullId: insertPull(forge.db, { repoId, token, now }) };
    });
    if (taken !== undefined) return { ...slot, ...taken, repoId };
  } catch (error) {
    slot.release();
    throw error;
  }
  slot.release();
  return undefined;
}

/** Somebody wants no more of it. */
export class Cancelled extends ForgeError {
  constructor(who: string) {
    super('conflict', `${who} cancelled it.`);
  }
}

export interface PullWatch {
  signal: AbortSignal;
  onProgress: (progress: Progress) => void;
  /** Whether objects of Git LFS are missing here that refs name which are; undefined where nobody knows. */
  lacksObjects?: boolean | undefined;
  onObjects?: (lacks: boolean) => void;
}

/** Never throws for what the upstream does; its row and its history say what came of it. */
export async function pullUpstream(forge: Forge, hold: PullHold, watch: PullWatch): Promise<PullState> {
  const upstream = findUpstreamRow(forge.db, hold.repoId);
  if (upstream === undefined) return 'cancelled';
  try {
    const brought = await bring(forge, upstream, watch);
    return recordBrought(forge, hold, brought);
  } catch (error) {
    return recordFailure(forge, { hold, upstream, error, signal: watch.signal });
  }
}

interface BroughtAll extends Brought {
  objects: BroughtObjects | undefined;
}

async function bring(forge: Forge, upstream: Upstream, watch: PullWatch): Promise<BroughtAll> {
  const { repoId, patterns, rewrites, deletions } = upstream;
  const remote = await reachUpstream(forge, upstream);
  const { reach } = remote;
  let objects: BroughtObjects | undefined;
  try {
    const repo = getRepo(forge, repoId);
    const known = listPulledRefs(forge.db, repoId);
    const path = repoPath(forge, repoId);
    const { defaultBranch } = repo;
    // What was asked for, or lacked something the last time, looks through all that is here once more.
    const looksAtAll =
      upstream.wanted > upstream.done || (watch.lacksObjects ?? upstream.problem !== undefined);
    const beforeMoves = async ({ here, coming }: Coming): Promise<void> => {
      objects = await bringObjects(forge, {
        repo,
        remote,
        ...(looksAtAll ? { wanted: [...here, ...coming], known: [] } : { wanted: coming, known: here }),
        signal: watch.signal,
        onProgress: (percent) => watch.onProgress({ phase: 'bringing large files', percent }),
      });
    };
    const order = { path, patterns, rewrites, deletions, defaultBranch, known, ...watch, beforeMoves };
    const brought = await bringRefs(forge, reach, order);
    await adoptTheirDefault(forge, repoId, brought);
    watch.onObjects?.(objects !== undefined && isIncomplete(objects));
    return { ...brought, objects };
  } finally {
    await learnHostKeys(forge, upstream, reach);
    await reach.close();
  }
}

async function reachUpstream(
  forge: Forge,
  { repoId, url, hostKeys, credential: kind }: Upstream,
): Promise<LfsRemote> {
  const address = parseRemoteAddress(forge.config.mirror, url);
  const sealed = getSealed(forge.db, repoId);
  const opened = sealed && openCredential(forge, sealed, placeOfUpstream(repoId));
  if (opened === undefined && kind !== 'none') {
    throw new ForgeError('unavailable', 'Its credential was sealed with a key that is gone; give it again.');
  }
  const credential = opened ?? { kind: 'none' };
  return { address, credential, reach: await reachRemote(forge, { address, credential, hostKeys }) };
}

/** Those that the server showed when none were known; a credential that it refused changes nothing about that. */
async function learnHostKeys(forge: Forge, { repoId, url, hostKeys }: Upstream, reach: Reach): Promise<void> {
  if (hostKeys !== undefined) return;
  const learned = await reach.learnedHostKeys();
  if (learned === undefined || findUpstreamRow(forge.db, repoId)?.url !== url) return;
  updateHostKeys(forge.db, { repoId, hostKeys: learned });
}

/** Where nobody chose a default branch, it is the one of the upstream, once that is here. */
async function adoptTheirDefault(forge: Forge, repoId: number, { remote, found }: Brought): Promise<void> {
  const repo = getRepo(forge, repoId);
  const theirs = remote.defaultBranch;
  if (repo.isDefaultChosen || theirs === undefined || theirs === repo.defaultBranch) return;
  if (!found.some(({ ref, state }) => ref === `refs/heads/${theirs}` && state === 'in-step')) return;
  await adoptDefaultBranch(forge, repo, theirs);
}

function recordBrought(forge: Forge, hold: PullHold, brought: BroughtAll): PullState {
  const { repoId, token, generation, pullId } = hold;
  const now = forge.clock.now();
  const { created, moved, deleted, found, forgotten, objects } = brought;
  // What a rule keeps, and what has more here than there, is as it should be.
  const left = found.filter(({ state }) => state === 'diverged' || state === 'left-out');
  const ofRefs = left.length === 0 ? [] : [describeLeft(left.length)];
  const ofObjects = objects === undefined ? [] : tellBrought(objects);
  const isWhole = left.length === 0 && (objects === undefined || !isIncomplete(objects));
  const message = [...ofRefs, ...ofObjects].join(' ') || null;
  const problem = isWhole ? null : message;
  const state = isWhole ? 'done' : 'partial';
  const isNews = created + moved + deleted > 0;
  const before = listPulledRefs(forge.db, repoId);
  const changed = found.filter((ref) => !isSameRef(before.get(ref.ref), ref));
  forge.db.transaction(() => {
    if (!releaseDone(forge.db, { repoId, token, generation, now, problem })) return;
    for (const ref of changed) putPulledRef(forge.db, repoId, { ...ref, now });
    for (const ref of forgotten) deletePulledRef(forge.db, repoId, ref);
    finishPull(forge.db, { id: pullId, state, created, moved, deleted, message, now });
    if (!isNews && !objects?.moved && changed.length === 0 && before.size > 0) deletePull(forge.db, pullId);
    if (isNews) recordPush(forge, repoId);
  });
  if (isNews) {
    forge.events.emit('refs-pulled', { repoId });
    forge.events.emit('repo-changed', { repoId });
  }
  return state;
}

const isSameRef = (old: PulledRef | undefined, now: PulledRef): boolean =>
  old?.state === now.state &&
  old.thereOid === now.thereOid &&
  old.broughtOid === now.broughtOid &&
  old.message === now.message;

const describeLeft = (count: number): string =>
  count === 1
    ? 'One ref is not where the upstream has it; nothing of it was touched.'
    : `${count} refs are not where the upstream has them; nothing of them was touched.`;

interface Failed {
  hold: PullHold;
  upstream: Upstream;
  error: unknown;
  signal: AbortSignal;
}

function recordFailure(forge: Forge, { hold, upstream, error, signal }: Failed): PullState {
  const { repoId, token, pullId } = hold;
  const now = forge.clock.now();
  const reason: unknown = signal.aborted ? signal.reason : error;
  const isExpected = reason instanceof ForgeError;
  if (!isExpected) forge.log.error({ err: reason, repoId }, 'a pull failed');
  const message = isExpected ? reason.message : `git failed: ${errorMessage(reason).slice(0, 300)}`;
  const isCancelled = reason instanceof Cancelled;
  // The forge stops; nothing can be said of the upstream, and the next start pulls again.
  const isStopped = signal.aborted && !isCancelled;
  const state = isCancelled ? 'cancelled' : isStopped ? 'interrupted' : 'failed';
  const failures = isStopped ? upstream.failures : upstream.failures + 1;
  forge.db.transaction(() => {
    const restsUntil = isStopped ? now : now + restMs(forge, failures);
    const isHeld = isCancelled
      ? releaseCancelled(forge.db, { repoId, token, now })
      : releaseFailed(forge.db, { repoId, token, failures, restsUntil, problem: message });
    if (isHeld) finishPull(forge.db, { id: pullId, state, created: 0, moved: 0, deleted: 0, message, now });
  });
  return state;
}

/** Doubles with each failure in a row, with some chance in it, so that not all come back to one service at once. */
function restMs(forge: Forge, failures: number): number {
  const { retrySeconds, maxRetrySeconds } = forge.config.mirror;
  const doubled = retrySeconds * 2 ** Math.min(failures - 1, 30) * (0.8 + Math.random() * 0.2);
  return Math.round(Math.min(maxRetrySeconds, doubled) * 1000);
}
