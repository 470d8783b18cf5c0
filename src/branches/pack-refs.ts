// Packs the refs of a repository into which many are pushed. Each git of a push reads every loose ref, so a thousand of
// them cost a push more than all the rest of it. Housekeeping does the same, but minutes later and never beside a push;
// this can be done beside pushes and backups, for it takes away no object and git locks the refs that it moves.
import type { Forge } from '../forge/open.ts';
import { repoPath } from '../repos/path.ts';

/** A pushed head is a ref, and its pin another one. */
const refsOfHead = 2;

export class RefPacker {
  readonly #forge: Forge;
  /** By repository: the refs that were written since it was packed last. */
  readonly #fresh = new Map<number, number>();
  readonly #packing = new Map<number, Promise<void>>();

  constructor(forge: Forge) {
    this.#forge = forge;
  }

  /** A head was pushed; packs when there are enough of them. */
  note(repoId: number): void {
    const fresh = (this.#fresh.get(repoId) ?? 0) + refsOfHead;
    this.#fresh.set(repoId, fresh);
    if (fresh <= this.#forge.config.housekeeping.maxLooseRefs || this.#packing.has(repoId)) return;
    this.#fresh.delete(repoId);
    const packing = this.#pack(repoId).finally(() => this.#packing.delete(repoId));
    this.#packing.set(repoId, packing);
  }

  /** Resolves when nothing is being packed. */
  async settled(): Promise<void> {
    await Promise.all(this.#packing.values());
  }

  async #pack(repoId: number): Promise<void> {
    const { git, log } = this.#forge;
    try {
      // Not ended with the forge: git that is stopped in it leaves a lock that nobody can tell from that of a push.
      await git.run(['pack-refs', '--all', '--prune'], { repo: repoPath(this.#forge, repoId) });
    } catch (error) {
      log.warn(
        { err: error, repoId },
        'the refs of a repository could not be packed; housekeeping tries again',
      );
    }
  }
}
