// The commit of a lane with its history as one pack, written by git while it is sent: whoever has the credential of an
// attempt can read this commit of this repository, and nothing else of it.
import type { Response } from 'express';
import type { Forge } from '../../forge/open.ts';
import { sendOutput } from '../../git/send-output.ts';
import { ForgeError } from '../../lib/errors.ts';
import { repoPath } from '../../repos/path.ts';
import type { HeldLane } from './agent-credential.ts';

const args = ['pack-objects', '--revs', '--stdout', '--quiet', '--delta-base-offset'];

/** Packs that are sent at the same time; git takes a processor for each. */
export class Packs {
  #sending = 0;
  readonly #forge: Forge;

  constructor(forge: Forge) {
    this.#forge = forge;
  }

  /** Refuses (`limited`) while as many are sent as the forge allows. */
  async send(lane: HeldLane, response: Response): Promise<void> {
    const { maxPacks } = this.#forge.config.laneAgents;
    if (this.#sending >= maxPacks) {
      throw new ForgeError('limited', `${maxPacks} commits are being sent already; ask again in a moment.`);
    }
    this.#sending += 1;
    try {
      await this.#pour(lane, response);
    } finally {
      this.#sending -= 1;
    }
  }

  #pour({ repoId, headOid }: HeldLane, response: Response): Promise<void> {
    const { git, config } = this.#forge;
    const { packSeconds, stallSeconds } = config.laneAgents;
    const options = { repo: repoPath(this.#forge, repoId) };
    const head = { 'Content-Type': 'application/x-git-pack' };
    const output = { args, options, input: `${headOid}\n`, head, seconds: packSeconds, stallSeconds };
    return sendOutput(git, output, response);
  }
}
