// The loop of the landing queue. Facts tell which gates are to be asked again; a lost one costs the time until every gate
// is asked again anyway, and never more.
import type { FactName, Facts } from '../../forge/events.ts';
import type { Forge } from '../../forge/open.ts';
import { Loop } from '../../lib/loop.ts';
import type { Slots } from '../../lib/slot.ts';
import { syncPins } from './candidate-pins.ts';
import { listLiveCandidates } from './candidate-store.ts';
import { passOf, passTarget } from './landings-pass.ts';
import { listLiveLandings, listQueueRepos, type Landing } from './store.ts';

export interface Landings {
  loop: Loop;
  wake(): void;
  /** One pass by hand; tests call it instead of waiting. */
  pass(): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

const ofBranch = [
  'branch-pushed',
  'branch-held',
  'branch-broken',
  'branch-settled',
  'review-changed',
  'run-created',
  'run-finished',
  'lane-changed',
] as const satisfies readonly FactName[];
const ofRepo = ['target-moved', 'repo-changed', 'landings-paused'] as const satisfies readonly FactName[];

/** `slots` are those that every merge of the forge takes. Nothing happens by itself before `start`. */
export function openLandings(forge: Forge, slots: Slots): Landings {
  const due = new Due(forge);
  const timers = new Set<NodeJS.Timeout>();
  const later = (ms: number): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      loop.wake();
    }, ms);
    timer.unref();
    timers.add(timer);
  };
  let last: Promise<void> = Promise.resolve();
  const runOnce = (): Promise<void> => {
    const pass = last.then(() => passAll(forge, due, { slots, later }));
    last = pass.catch(() => undefined);
    return pass;
  };
  const pollMs = forge.config.landing.pollSeconds * 1000;
  const loop = new Loop({ name: 'landings', pollMs, log: forge.log, now: () => forge.clock.now(), runOnce });
  return {
    loop,
    wake: () => loop.wake(),
    pass: runOnce,
    start: () => loop.start(),
    stop: async () => {
      due.stop();
      await loop.stop();
      await last;
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

/** A queue that cannot be worked on holds up no other one; its fault is thrown at the end, for the loop to show. */
async function passAll(
  forge: Forge,
  due: Due,
  more: { slots: Slots; later: (ms: number) => void },
): Promise<void> {
  const faults: unknown[] = [];
  const takeDue = (landing: Landing) => due.take(landing);
  const repos = listQueueRepos(forge.db);
  due.keepOnly(repos.flatMap((repoId) => listLiveLandings(forge.db, repoId)));
  for (const repoId of repos) {
    const live = [...listLiveLandings(forge.db, repoId), ...listLiveCandidates(forge.db, repoId)];
    for (const target of new Set(live.map((one) => one.target))) {
      try {
        await passTarget(passOf(forge, { repoId, target }, { ...more, takeDue }));
      } catch (error) {
        forge.log.error({ err: error, repoId, target }, 'the landing queue of a target could not go on');
        faults.push(error);
      }
    }
  }
  await syncPins(forge);
  if (faults.length > 0) throw faults[0];
}

/** Which entries' gates are to be asked again. */
class Due {
  readonly #forge: Forge;
  readonly #offs: (() => void)[];
  /** When the gate of an entry was asked last, by its id, and when something was told last, by branch and repository. */
  readonly #asked = new Map<number, { at: number; told: number }>();
  readonly #toldOfBranch = new Map<number, number>();
  readonly #toldOfRepo = new Map<number, number>();
  #count = 0;

  constructor(forge: Forge) {
    this.#forge = forge;
    const tell = (map: Map<number, number>, key: number | undefined): void => {
      if (key !== undefined) map.set(key, (this.#count += 1));
    };
    this.#offs = [
      ...ofBranch.map((name) =>
        forge.events.on(name, (fact: Facts[typeof name]) => tell(this.#toldOfBranch, fact.branchId)),
      ),
      ...ofRepo.map((name) =>
        forge.events.on(name, (fact: Facts[typeof name]) => tell(this.#toldOfRepo, fact.repoId)),
      ),
    ];
  }

  /** True once for everything that is told of an entry, and now and then without. */
  take({ id, branchId, repoId, state }: Landing): boolean {
    const now = this.#forge.clock.now();
    const before = this.#asked.get(id);
    // What is queued is asked about when it is built, and what is tested when it lands, on the target as it is then.
    const toldOfRepo = state === 'waiting' ? (this.#toldOfRepo.get(repoId) ?? 0) : 0;
    const told = Math.max(this.#toldOfBranch.get(branchId) ?? 0, toldOfRepo);
    const recheckMs = this.#forge.config.landing.recheckSeconds * 1000;
    const isOld = state !== 'queued' && before !== undefined && now - before.at >= recheckMs;
    if (before !== undefined && told <= before.told && !isOld) return false;
    this.#asked.set(id, { at: now, told: this.#count });
    return true;
  }

  /** Forgets all but what is in a queue. */
  keepOnly(landings: readonly Landing[]): void {
    const ids = new Set(landings.map(({ id }) => id));
    const branches = new Set(landings.map(({ branchId }) => branchId));
    for (const id of this.#asked.keys()) if (!ids.has(id)) this.#asked.delete(id);
    for (const id of this.#toldOfBranch.keys()) if (!branches.has(id)) this.#toldOfBranch.delete(id);
  }

  stop(): void {
    for (const off of this.#offs) off();
  }
}
