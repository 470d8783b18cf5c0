// The places of git clients: so many at once, so many of them on one repository, and a bounded queue behind them.
// A place that comes free goes to whoever holds the fewest, so that one client's burst does not keep others out.
import { ForgeError } from '../lib/errors.ts';

export interface PlaceLimits {
  maxGitProcesses: number;
  maxGitProcessesPerRepo: number;
  maxWaitingGit: number;
  gitQueueSeconds: number;
}

export interface PlaceWanted {
  /** What the limit per repository counts by. */
  repo: string;
  /** What fairness counts by: an account, or the address of somebody without one. */
  client: string;
}

interface Waiting extends PlaceWanted {
  admit: () => void;
}

/** Gives the place back; calling it again changes nothing. */
export type Leave = () => void;

export class Places {
  readonly #limits: PlaceLimits;
  readonly #byRepo = new Map<string, number>();
  readonly #byClient = new Map<string, number>();
  #taken = 0;
  #queue: Waiting[] = [];

  constructor(limits: PlaceLimits) {
    this.#limits = limits;
  }

  /** How many are served, and how many wait. */
  count(): { served: number; waiting: number } {
    return { served: this.#taken, waiting: this.#queue.length };
  }

  /**
   * A place, at once or when one comes free. Refuses (`unavailable`) when too many wait, when none comes free in
   * time, and when `signal` says that the client has gone.
   */
  async take(wanted: PlaceWanted, signal: AbortSignal): Promise<Leave> {
    if (signal.aborted) throw gone();
    if (!this.#hasRoom(wanted.repo)) await this.#wait(wanted, signal);
    else this.#occupy(wanted);
    let hasLeft = false;
    return () => {
      if (hasLeft) return;
      hasLeft = true;
      this.#leave(wanted);
    };
  }

  #wait(wanted: PlaceWanted, signal: AbortSignal): Promise<void> {
    const { maxWaitingGit, gitQueueSeconds } = this.#limits;
    // One client fills at most half of the queue; the other half is for everybody else.
    const own = this.#queue.filter(({ client }) => client === wanted.client).length;
    if (this.#queue.length >= maxWaitingGit || own >= Math.max(1, maxWaitingGit / 2)) {
      return Promise.reject(this.#busy(wanted, `and ${this.#queue.length} more wait`));
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const giveUp = (error: ForgeError) => {
      this.#queue = this.#queue.filter((other) => other !== waiting);
      settle();
      reject(error);
    };
    const onAbort = () => giveUp(gone());
    const timer = setTimeout(
      () => giveUp(this.#busy(wanted, `and none ended within ${gitQueueSeconds} seconds`)),
      gitQueueSeconds * 1000,
    );
    const settle = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    };
    const waiting: Waiting = {
      ...wanted,
      admit: () => {
        settle();
        resolve();
      },
    };
    signal.addEventListener('abort', onAbort);
    this.#queue.push(waiting);
    return promise;
  }

  #hasRoom(repo: string): boolean {
    const { maxGitProcesses, maxGitProcessesPerRepo } = this.#limits;
    return this.#taken < maxGitProcesses && (this.#byRepo.get(repo) ?? 0) < maxGitProcessesPerRepo;
  }

  #occupy({ repo, client }: PlaceWanted): void {
    this.#taken += 1;
    add(this.#byRepo, repo, 1);
    add(this.#byClient, client, 1);
  }

  #leave({ repo, client }: PlaceWanted): void {
    this.#taken -= 1;
    add(this.#byRepo, repo, -1);
    add(this.#byClient, client, -1);
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      this.#queue = this.#queue.filter((other) => other !== next);
      this.#occupy(next);
      next.admit();
    }
  }

  /** Of those whose repository has room: who holds the fewest places, and of these who came first. */
  #next(): Waiting | undefined {
    const held = ({ client }: Waiting): number => this.#byClient.get(client) ?? 0;
    return this.#queue
      .filter(({ repo }) => this.#hasRoom(repo))
      .reduce<Waiting | undefined>(
        (best, waiting) => (best === undefined || held(waiting) < held(best) ? waiting : best),
        undefined,
      );
  }

  #busy({ repo }: PlaceWanted, state: string): ForgeError {
    const { maxGitProcesses, maxGitProcessesPerRepo } = this.#limits;
    const isFull = this.#taken >= maxGitProcesses;
    const who = isFull
      ? `The forge serves ${maxGitProcesses} git clients already`
      : `The repository ${repo} serves ${maxGitProcessesPerRepo} git clients already`;
    return new ForgeError('unavailable', `${who}, ${state}. Try again in a moment.`);
  }
}

function add(counts: Map<string, number>, key: string, change: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + change;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}

const gone = (): ForgeError => new ForgeError('unavailable', 'The client has gone.');
