// Every fact of the forge, by name, and a small typed emitter. A fact only means "look now": the truth
// is in tables and refs, so a lost fact costs delay and never correctness.

export interface Facts {
  'repo-changed': { repoId: number };
  /** Which branches are protected is another question now: the rows have to be looked at. */
  'protection-changed': { repoId: number };
  /** A branch cannot be read any more, or can be again. */
  'branch-broken': { repoId: number; branchId: number; reason: string | undefined };
  /** The target branch exists at a new commit (created, or something landed on it). */
  'target-moved': { repoId: number; oid: string };
  /** Somebody may push and begins to; nothing has changed yet. */
  'push-begun': { repoId: number };
  'branch-pushed': { repoId: number; branchId: number; revision: number };
  /** Somebody holds a branch or lifted a hold, or it became a draft or ready. */
  'branch-held': { repoId: number; branchId: number };
  'branch-settled': { repoId: number; branchId: number; state: 'merged' | 'closed' };
  'run-created': { repoId: number; branchId: number | undefined; runId: number };
  'run-finished': { repoId: number; branchId: number | undefined; runId: number; state: string };
  'lane-changed': {
    repoId: number;
    branchId: number | undefined;
    runId: number;
    laneId: number;
    attemptId: number;
    state: string;
  };
  'lane-output': { attemptId: number; laneId: number; runId: number; bytes: number };
  /** Another system said something of a commit; `branchIds` are the open branches that stand at it. */
  'commit-status-changed': { repoId: number; oid: string; branchIds: number[] };
  'tutorial-changed': { repoId: number; branchId: number; revision: number; state: string };
  /** A comment, a thread or a verdict of a branch is another now. */
  'review-changed': { repoId: number; branchId: number };
  /** An entry of the landing queue changed: its state, its place or what it waits for. */
  'landing-changed': { repoId: number; branchId: number };
  'landings-paused': { repoId: number };
  'queue-changed': Record<string, never>;
  /** Somebody decided on a program that waits to be signed in; `hash` is that of its secret. */
  'sign-in-decided': { hash: string };
  /** CI was paused or resumed, or a target was taken for healthy again. */
  'ci-changed': Record<string, never>;
  /** Something came into these accounts' inboxes, or left them. */
  'inbox-changed': { accountIds: number[] };
  /** A mirror of the repository is synced, was synced, or is another now. */
  'mirror-changed': { repoId: number };
  'housekeeping-changed': { repoId: number };
  /** A backup began, got on or ended. */
  'backup-changed': Record<string, never>;
  /** Refs of the repository were moved to where its upstream has them; no push told of it. */
  'refs-pulled': { repoId: number };
  /** A pull of the repository's upstream began, got on or ended, or its settings changed. */
  'upstream-changed': { repoId: number };
}

export type FactName = keyof Facts;
type Listener<Name extends FactName> = (payload: Facts[Name]) => void;
type AnyListener = (payload: never) => void;

export class Events {
  readonly #listeners = new Map<FactName, Set<AnyListener>>();

  /** Calls `listener` on every such fact until the returned function is called. */
  on<Name extends FactName>(name: Name, listener: Listener<Name>): () => void {
    const listeners = this.#listeners.get(name) ?? new Set<AnyListener>();
    this.#listeners.set(name, listeners);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  /** Tells everybody. Emit after the transaction that made the fact true has committed. */
  emit<Name extends FactName>(name: Name, payload: Facts[Name]): void {
    for (const listener of this.#listeners.get(name) ?? []) (listener as Listener<Name>)(payload);
  }

  /** The next such fact for which `accept` holds; tests wait on it instead of sleeping. */
  next<Name extends FactName>(
    name: Name,
    accept: (payload: Facts[Name]) => boolean = () => true,
  ): Promise<Facts[Name]> {
    return new Promise((resolve) => {
      const off = this.on(name, (payload) => {
        if (!accept(payload)) return;
        off();
        resolve(payload);
      });
    });
  }
}
