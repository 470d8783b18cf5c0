// Long waiting: the answer comes when it differs from the one the caller has seen, or is final. It listens
// to facts first and looks second, so that nothing that happens in between is missed.
import { createHash } from 'node:crypto';
import type { Caller } from '../accounts/model.ts';
import { getBranch, listRevisions } from '../branches/find.ts';
import type { Branch } from '../branches/model.ts';
import type { FactName, Facts } from '../forge/events.ts';
import type { Forge } from '../forge/open.ts';
import type { Repo } from '../repos/model.ts';
import type { BranchStatusView, WaitGoal, WaitView } from './model.ts';
import { askGate } from './gate.ts';
import { branchFacts } from './status.ts';

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

const branchFactNames = [
  'branch-pushed',
  'branch-settled',
  'run-created',
  'run-finished',
  'lane-changed',
  'tutorial-changed',
  'landing-changed',
] as const satisfies readonly FactName[];

/** Waits for at most `timeoutSeconds` or the forge's own limit; then answers `waiting` with the same `seen`. */
export async function waitForBranch(forge: Forge, order: WaitOrder): Promise<WaitView> {
  const seconds = Math.min(order.timeoutSeconds, forge.config.limits.waitSeconds);
  const bell = new Bell(forge, order.branch.id);
  const timer = setTimeout(() => bell.close(), seconds * 1000);
  const leave = () => bell.close();
  order.signal?.addEventListener('abort', leave);
  try {
    let snapshot = takeSnapshot(forge, order);
    while (isOldNews(snapshot, order) && (await bell.next())) snapshot = takeSnapshot(forge, order);
    // Git is not asked for somebody who has gone; at the end of the forge there may be none to ask.
    const gate = order.signal?.aborted
      ? { open: false, holds: [], met: [] }
      : await askGate(forge, { ...order, branch: snapshot.branch });
    return { outcome: snapshot.outcome, seen: snapshot.seen, status: { ...snapshot.facts, gate } };
  } finally {
    clearTimeout(timer);
    order.signal?.removeEventListener('abort', leave);
    bell.close();
  }
}

function isOldNews(snapshot: Snapshot, order: WaitOrder): boolean {
  const isFinal = snapshot.outcome === 'settled' || snapshot.outcome === 'moved';
  return !isFinal && snapshot.seen === order.seen;
}

function takeSnapshot(forge: Forge, order: WaitOrder): Snapshot {
  const branch = getBranch(forge, order.branch.id);
  const facts = branchFacts(forge, { ...order, branch });
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

/** Rings on every fact about one branch. */
class Bell {
  readonly #offs: (() => void)[];
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(forge: Forge, branchId: number) {
    this.#offs = branchFactNames.map((name) =>
      forge.events.on(name, (payload: Facts[typeof name]) => {
        if (payload.branchId === branchId) this.#wake?.();
      }),
    );
  }

  /** True at the next ring, false when the bell was closed. */
  async next(): Promise<boolean> {
    if (!this.#closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return !this.#closed;
  }

  close(): void {
    this.#closed = true;
    for (const off of this.#offs.splice(0)) off();
    this.#wake?.();
  }
}
