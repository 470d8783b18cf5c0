// Long waiting: the answer comes when it differs from the one the caller has seen, or is final. It listens
// to facts first and looks second, so that nothing that happens in between is missed.
import { createHash } from 'node:crypto';
import type { Caller } from '../accounts/model.ts';
import { getBranch, listRevisions } from '../branches/find.ts';
import type { Branch } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import type { Repo } from '../repos/model.ts';
import type { BranchStatusView, WaitGoal, WaitView } from './model.ts';
import { askGate } from './gate/gate.ts';
import { branchFacts } from './status.ts';
import { gateKey, joinWatch, type Watch } from './watch.ts';

export interface WaitOrder {
  repo: Repo;
  branch: Branch;
  caller: Caller;
  /** The head to wait for; left out, whatever the head is. */
  commit?: string | undefined;
  goal: WaitGoal;
  timeoutSeconds: number;
  seen?: string | undefined;
  /** Ends the wait early, when the caller has gone away. */
  signal?: AbortSignal;
}

interface Snapshot {
  outcome: WaitView['outcome'];
  seen: string;
  facts: Omit<BranchStatusView, 'gate'>;
  branch: Branch;
}

/** Waits for at most `timeoutSeconds` or the forge's own limit; then answers `waiting` with the same `seen`. */
export async function waitForBranch(forge: Forge, order: WaitOrder): Promise<WaitView> {
  const seconds = Math.min(order.timeoutSeconds, forge.config.limits.waitSeconds);
  const watch = joinWatch(forge, order.branch);
  const over = Promise.withResolvers<void>();
  const timer = setTimeout(over.resolve, seconds * 1000);
  order.signal?.addEventListener('abort', () => over.resolve());
  let isOver = false;
  void over.promise.then(() => {
    isOver = true;
  });
  try {
    let next = watch.next;
    let snapshot = takeSnapshot(forge, order, watch);
    while (isOldNews(snapshot, order)) {
      await Promise.race([next, over.promise]);
      if (isOver) break;
      next = watch.next;
      snapshot = takeSnapshot(forge, order, watch);
    }
    const { branch, facts, outcome, seen } = snapshot;
    // Git is not asked for somebody who has gone; at the end of the forge there may be none to ask.
    const gate = order.signal?.aborted
      ? { open: false, holds: [], met: [] }
      : await watch.share(gateKey(order.caller), () => askGate(forge, { ...order, branch }));
    return { outcome, seen, status: { ...facts, gate } };
  } finally {
    clearTimeout(timer);
    over.resolve();
    watch.leave();
  }
}

function isOldNews(snapshot: Snapshot, order: WaitOrder): boolean {
  const isFinal = snapshot.outcome === 'settled' || snapshot.outcome === 'moved';
  return !isFinal && snapshot.seen === order.seen;
}

function takeSnapshot(forge: Forge, order: WaitOrder, watch: Watch): Snapshot {
  const { branch, facts } = watch.share('facts', () => {
    const row = getBranch(forge, order.branch.id);
    return { branch: row, facts: branchFacts(forge, { ...order, branch: row }) };
  });
  const outcome = outcomeOf(forge, { ...order, branch }, facts.run);
  return { outcome, seen: fingerprint(outcome, facts), facts, branch };
}

function outcomeOf(forge: Forge, order: WaitOrder, run: BranchStatusView['run']): WaitView['outcome'] {
  const { branch, goal } = order;
  const commit = order.commit ?? branch.headOid;
  if (commit !== branch.headOid) {
    const wasHead = listRevisions(forge, branch.id).some((revision) => revision.headOid === commit);
    return wasHead ? 'moved' : 'not_pushed';
  }
  if (branch.state !== 'open') return 'settled';
  if (goal === 'landed' || run === null || run.head !== commit) return 'waiting';
  const hasEnded = run.state === 'success' || run.state === 'failed' || run.state === 'cancelled';
  return hasEnded || run.problem !== null ? 'settled' : 'waiting';
}

/** What a watcher cares about, in short; the growing size of a log is not news. */
function fingerprint(outcome: string, { branch, run, tutorial, landing }: Snapshot['facts']): string {
  const lanes = run?.lanes.map((lane) => [lane.id, lane.state, lane.attempt, lane.reason, lane.reasonDetail]);
  const content = [
    outcome,
    [branch.state, branch.head, branch.revision],
    run && [run.number, run.state, run.problem, lanes],
    tutorial?.state,
    landing && [landing.id, landing.state, landing.position, landing.detail, landing.run, landing.testedWith],
  ];
  return createHash('sha256').update(JSON.stringify(content)).digest('base64url').slice(0, 22);
}
