// The duty of this room: every accepted push becomes rows, at once when it rings and at the latest by the scan.
import type { Forge } from '../forge/open.ts';
import { Loop } from '../lib/loop.ts';
import { listRepos } from '../repos/find.ts';
import { ingestSpool } from './ingest.ts';
import { scanRepo } from './scan.ts';
import { deleteIngestedBefore, listActiveRepoIds } from './store.ts';

const scanMs = 60_000;
const day = 24 * 60 * 60_000;
const rememberedPushes = 200;

export interface Branches {
  loop: Loop;
  start(): void;
  stop(): Promise<void>;
  /** Reads the spool up to this push and answers the lines for the one who pushed. */
  ingest(pushId: string): Promise<string[]>;
}

export function openBranches(forge: Forge): Branches {
  // Another push's ring may read this one's file first; its lines wait here for its own ring.
  const told = new Map<string, string[]>();
  let isFirstPass = true;

  let reading: Promise<void> = Promise.resolve();

  // One reader at a time: a second one would find a push already read, and know nothing to tell.
  const readSpool = (): Promise<void> => {
    const read = reading.then(async () => {
      for (const [id, lines] of await ingestSpool(forge)) told.set(id, lines);
      for (const id of told.keys()) if (told.size > rememberedPushes) told.delete(id);
    });
    reading = read.catch(() => undefined);
    return read;
  };
  const runOnce = async (): Promise<void> => {
    await readSpool();
    await scanRepos(forge, isFirstPass);
    isFirstPass = false;
    deleteIngestedBefore(forge.db, forge.clock.now() - 30 * day);
  };
  const loop = new Loop({
    name: 'branches',
    pollMs: scanMs,
    log: forge.log,
    now: () => forge.clock.now(),
    runOnce,
  });
  return {
    loop,
    start: () => loop.start(),
    stop: () => loop.stop(),
    ingest: async (pushId) => {
      await readSpool();
      const lines = told.get(pushId) ?? [];
      told.delete(pushId);
      return lines;
    },
  };
}

/** One broken repository does not keep the others from being looked at. */
async function scanRepos(forge: Forge, all: boolean): Promise<void> {
  const active = new Set(listActiveRepoIds(forge.db, forge.clock.now() - day));
  for (const repo of listRepos(forge)) {
    if (!all && !active.has(repo.id)) continue;
    try {
      await scanRepo(forge, repo);
    } catch (error) {
      forge.log.error({ err: error, repoId: repo.id }, 'a repository could not be scanned');
    }
  }
}
