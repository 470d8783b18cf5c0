// The commit of a lane with its history as one pack, written by git while it is sent: whoever has the credential of an
// attempt can read this commit of this repository, and nothing else of it.
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import type { Response } from 'express';
import type { Forge } from '../../forge/open.ts';
import { GitError } from '../../git/run.ts';
import { stopGroup } from '../../git/stop-group.ts';
import { ForgeError } from '../../lib/errors.ts';
import { repoPath } from '../../repos/path.ts';
import type { HeldLane } from './agent-credential.ts';

const args = ['pack-objects', '--revs', '--stdout', '--quiet', '--delta-base-offset'];
const maxComplaint = 4096;

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

  async #pour({ repoId, headOid }: HeldLane, response: Response): Promise<void> {
    const { git, config } = this.#forge;
    const child = git.spawn(args, {
      repo: repoPath(this.#forge, repoId),
      detached: true,
      endsWithForge: true,
    });
    let complaint = '';
    child.stderr.on(
      'data',
      (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-maxComplaint)),
    );
    child.stdin.on('error', () => undefined);
    child.on('error', () => child.stdout.destroy());
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    const stop = () => stopGroup(child);
    const { packSeconds, stallSeconds } = config.laneAgents;
    const timer = setTimeout(() => response.destroy(), packSeconds * 1000);
    // Git counts for a while before it says anything.
    response.setTimeout(packSeconds * 1000);
    response.on('close', stop);
    child.stdin.end(`${headOid}\n`);
    try {
      await Promise.race([once(child.stdout, 'readable'), ended]);
      // Git that fails at once has said nothing; then there is still a refusal to answer with.
      if (child.stdout.readableLength === 0) throw new GitError(args, (await ended) ?? undefined, complaint);
      response.setTimeout(stallSeconds * 1000);
      response.set('Content-Type', 'application/x-git-pack');
      await pipeline(child.stdout, response, { end: false });
      // Cut off rather than ended, so that half a pack is not taken for a whole one.
      if ((await ended) === 0) response.end();
      else response.destroy();
    } catch (error) {
      if (!response.headersSent && !response.destroyed) throw error;
      response.destroy();
    } finally {
      clearTimeout(timer);
      stop();
    }
  }
}
