// Packs of a repository that lie outside of it, in a bare skeleton of their own: a store that only grows. Each pack
// holds what the ones before it lack, so a store that has every pack of a list has everything its tips reach.
import { join } from 'node:path';
import { runLong } from './long-run.ts';
import type { Git } from './run.ts';

export interface PackOrder {
  /** The bare repository, as an absolute path. */
  repo: string;
  /** The folder of objects that the pack is written into, as `objects` of a bare repository is laid out. */
  store: string;
  /** Object ids that must be reached afterwards, and those that the store reaches already. */
  wanted: readonly string[];
  had: readonly string[];
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  /** Packs what can be found, and leaves out what the repository itself has lost. */
  lenient?: boolean;
}

// As housekeeping: it has all the time, and who waits for a page or a clone has not.
const settings = { 'pack.threads': '1', 'pack.windowMemory': '256m', 'pack.deltaCacheSize': '64m' };

/**
 * Writes one pack with its index, durable when this resolves, and answers its name without an ending; undefined when
 * there was nothing to write. A push, or a repack of the repository, may go on beside it.
 */
export async function packBeside(git: Git, order: PackOrder): Promise<string | undefined> {
  const { repo, store, wanted, had, timeoutMs, signal } = order;
  const args = ['pack-objects', '--revs', '--quiet', '--delta-base-offset', '--non-empty'];
  if (order.lenient === true) args.push('--missing=allow-any');
  const { said } = await runLong(git, [...args, '--end-of-options', join(store, 'pack/pack')], {
    repo,
    timeoutMs,
    signal,
    settings,
    input: [...wanted, ...had.map((oid) => `^${oid}`)].map((line) => `${line}\n`).join(''),
    // Its drafts lie in the store as well: a rename from one disk to another would fail.
    env: { GIT_OBJECT_DIRECTORY: store, GIT_ALTERNATE_OBJECT_DIRECTORIES: join(repo, 'objects') },
  });
  const hash = /^[0-9a-f]{40}$/m.exec(said)?.[0];
  return hash === undefined ? undefined : `pack-${hash}`;
}
