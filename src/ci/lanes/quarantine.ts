// Places that are lost for now: programs of a lane that the kernel does not let end, such as one that hangs in a device.
// Each holds the place of its lane, so that what runs is never more than may run, until it is verified gone.
import { findSurvivors, killOnce } from './survivors.ts';

export interface HeldPlace {
  attemptId: number;
  /** UTC milliseconds. */
  since: number;
  pids: number[];
}

const everyMs = 2000;

export class Quarantine {
  readonly #held = new Map<string, HeldPlace>();
  readonly #find: (cookie: string) => number[];
  #timer: NodeJS.Timeout | undefined;

  /** `find` answers what lives of a cookie after another try to end it. */
  constructor(find = pidsLeft) {
    this.#find = find;
  }

  add(cookie: string, place: Omit<HeldPlace, 'pids'>): void {
    const pids = this.#find(cookie);
    if (pids.length === 0) return;
    this.#held.set(cookie, { ...place, pids });
    this.#timer ??= setInterval(() => this.look(), everyMs).unref();
  }

  list(): HeldPlace[] {
    return [...this.#held.values()];
  }

  /** Gives back the places whose programs have gone. */
  look(): void {
    for (const [cookie, place] of this.#held) {
      place.pids = this.#find(cookie);
      if (place.pids.length === 0) this.#held.delete(cookie);
    }
    if (this.#held.size === 0) this.stop();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

function pidsLeft(cookie: string): number[] {
  const found = findSurvivors(cookie);
  killOnce(found);
  return found.map(({ pid }) => pid);
}
