// What those who wait for one branch share: one ear for its facts, and what was read since the last of them. However many
// wait, a change is read once.
import type { Caller } from '../accounts/model.ts';
import type { FactName, Facts } from '../forge/events.ts';
import type { Forge } from '../forge/open.ts';

/** Facts that are news to who waits for a branch. */
const news = [
  'branch-pushed',
  'branch-settled',
  'run-created',
  'run-finished',
  'lane-changed',
  'tutorial-changed',
  'landing-changed',
] as const satisfies readonly FactName[];

/** Facts that may change what the gate says, beside the news. */
const ofBranch = ['branch-broken', 'branch-held', 'review-changed'] as const satisfies readonly FactName[];
const ofRepo = [
  'repo-changed',
  'protection-changed',
  'target-moved',
  // The place of a branch in the queue changes with the others.
  'landing-changed',
] as const satisfies readonly FactName[];

const watches = new WeakMap<Forge, Map<number, Watch>>();

/** Joins those who wait for the branch; leave with `leave`. */
export function joinWatch(forge: Forge, branch: { id: number; repoId: number }): Watch {
  const ofForge = watches.get(forge) ?? new Map<number, Watch>();
  watches.set(forge, ofForge);
  const watch = ofForge.get(branch.id) ?? new Watch(forge, branch, () => ofForge.delete(branch.id));
  ofForge.set(branch.id, watch);
  watch.waiting += 1;
  return watch;
}

export class Watch {
  waiting = 0;
  readonly #offs: (() => void)[];
  readonly #ended: () => void;
  readonly #known = new Map<string, unknown>();
  #rung = Promise.withResolvers<void>();

  constructor(forge: Forge, branch: { id: number; repoId: number }, ended: () => void) {
    const { events } = forge;
    const isMeant = ({ branchId }: { branchId?: number | undefined }) => branchId === branch.id;
    this.#ended = ended;
    this.#offs = [
      ...news.map((name) => events.on(name, (fact: Facts[typeof name]) => isMeant(fact) && this.#ring())),
      ...ofBranch.map((name) => events.on(name, (fact) => isMeant(fact) && this.#known.clear())),
      ...ofRepo.map((name) =>
        events.on(name, (fact) => fact.repoId === branch.repoId && this.#known.clear()),
      ),
    ];
  }

  /** Resolves at the next news. Take it before you read, so that nothing in between is missed. */
  get next(): Promise<void> {
    return this.#rung.promise;
  }

  /**
   * What `read` answered since the last fact, or answers now. Only what is asked for while an answer of git is under way
   * shares it: the gate depends on more than facts tell.
   */
  share<Answer>(what: string, read: () => Answer): Answer {
    if (this.#known.has(what)) return this.#known.get(what) as Answer;
    const answer = read();
    this.#known.set(what, answer);
    if (answer instanceof Promise) {
      const forget = () => this.#known.get(what) === answer && this.#known.delete(what);
      answer.then(forget, forget);
    }
    return answer;
  }

  leave(): void {
    this.waiting -= 1;
    if (this.waiting > 0) return;
    for (const off of this.#offs) off();
    this.#ended();
  }

  #ring(): void {
    this.#known.clear();
    const { resolve } = this.#rung;
    this.#rung = Promise.withResolvers();
    resolve();
  }
}

/** Callers for whom the gate says the same. */
export const gateKey = ({ account, scope, onlyRepo }: Caller): string =>
  `gate ${account?.id ?? 'nobody'} ${scope} ${JSON.stringify(onlyRepo ?? null)}`;
