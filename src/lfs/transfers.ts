import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';

/** How many objects move at the same time, up and down together. */
export class Transfers {
  readonly #max: number;
  #moving = 0;

  constructor(forge: Forge) {
    this.#max = forge.config.limits.maxLfsTransfers;
  }

  /** Runs one transfer, or refuses it (`limited`) when all places are taken. */
  async run(transfer: () => Promise<void>): Promise<void> {
    if (this.#moving >= this.#max) {
      throw new ForgeError(
        'limited',
        `The forge moves ${this.#max} large files already. Try again in a moment.`,
      );
    }
    this.#moving += 1;
    await transfer().finally(() => (this.#moving -= 1));
  }
}
