// The pack that a fetch writes: git has no limit for it, looks at no disk that fills, and leaves what it has of it behind when it
// ends early, which would count for the next one too.
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { requireRoom } from '../../forge/disk.ts';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';

const lookMs = 1000;

export interface IncomingPacks {
  /** Aborted, with a reason for people, when there is more than one pull may bring or than the disk has room for. */
  tooMuch: AbortSignal;
  /** Looks at them, once a second at most. */
  look(): void;
  /** Removes what is left of them when git has ended. */
  clear(): Promise<void>;
}

/** Begins before git does: what lies there already is not of this fetch. */
export async function watchIncoming(forge: Forge, repo: string): Promise<IncomingPacks> {
  const { maxPullBytes } = forge.config.mirror;
  const folder = join(repo, 'objects', 'pack');
  const stopping = new AbortController();
  const before = new Set(await unfinished(folder));
  const ours = async () => (await unfinished(folder)).filter((name) => !before.has(name));
  let lookedAt = -Infinity;
  const check = async (): Promise<void> => {
    const sizes = await Promise.all((await ours()).map((name) => sizeOf(join(folder, name))));
    if (sizes.reduce((sum, size) => sum + size, 0) > maxPullBytes) {
      throw new ForgeError('limited', `The remote sends more than ${maxPullBytes} bytes, which is the most.`);
    }
    requireRoom(forge);
  };
  return {
    tooMuch: stopping.signal,
    look: () => {
      const now = performance.now();
      if (now - lookedAt < lookMs) return;
      lookedAt = now;
      check().catch((error: unknown) => stopping.abort(error));
    },
    clear: async () => {
      for (const name of await ours()) await rm(join(folder, name), { force: true });
    },
  };
}

const unfinished = async (folder: string): Promise<string[]> =>
  (await readdir(folder).catch(() => [])).filter((name) => name.startsWith('tmp_'));

const sizeOf = (file: string): Promise<number> =>
  stat(file).then(
    ({ size }) => size,
    () => 0,
  );
