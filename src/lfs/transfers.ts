import { sharerOf, type Caller } from '../accounts/model.ts';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';

/** How many objects move at the same time, up and down together, for everybody and for each caller. */
export class Transfers {
  readonly #limits: Forge['config']['limits'];
  readonly #moving = new Map<string, number>();
  #total = 0;

  constructor(forge: Forge) {
    this.#limits = forge.config.limits;
  }

  /** Runs one transfer, or refuses it (`limited`) when the places of all, or those of the caller, are taken. */
  async run(caller: Caller, transfer: () => Promise<void>): Promise<void> {
    // Who reads slowly and in many connections takes his own places, and not those of everybody.
    const key = sharerOf(caller);
    const own = this.#moving.get(key) ?? 0;
    const { maxLfsTransfers, maxLfsTransfersPerCaller } = this.#limits;
    if (this.#total >= maxLfsTransfers) throw tooMany(`The forge moves ${maxLfsTransfers} large files`);
    if (own >= maxLfsTransfersPerCaller) throw tooMany(`You move ${maxLfsTransfersPerCaller} large files`);
    this.#total += 1;
    this.#moving.set(key, own + 1);
    try {
      await transfer();
    } finally {
      this.#total -= 1;
      const left = (this.#moving.get(key) ?? 1) - 1;
      if (left === 0) this.#moving.delete(key);
      else this.#moving.set(key, left);
    }
  }
}

const tooMany = (why: string): ForgeError =>
  new ForgeError('limited', `${why} already. Try again in a moment.`);
