// The duty of this room: every accepted push becomes rows, at once when it rings and at the latest by the scan.
import type { Forge } from '../forge/open.ts';
import { Loop } from '../lib/loop.ts';
import { listRepos } from '../repos/find.ts';
import type { Repo } from '../repos/model.ts';
import { ingestSpool } from './ingest.ts';
import { RefPacker } from './pack-refs.ts';
import { scanRepo } from './scan.ts';
import { deleteIngestedBefore, listActiveRepoIds } from './store.ts';

const scanMs = 60_000;
/** How often every repository is looked at, with all its pins; the first time is the start. */
const fullScanMs = 6 * 60 * 60_000;
const day = 24 * 60 * 60_000;
const rememberedPushes = 200;

export interface Branches {
  loop: Loop;
  start(): void;
  stop(): Promise<void>;
  /** Has the repository looked at in the next pass, which comes at once, however quiet it was. */
  look(repoId: number): void;
  /** Reads the spool up to this push and answers the lines for the one who pushed. */
  ingest(pushId: string): Promise<string[]>;
}

export function openBranches(forge: Forge): Branches {
  // Another push's ring may read this one's file first; its lines wait here for its own ring.
  const told = new Map<string, string[]>();
  const wanted = new Set<number>();
  let fullScanAt = -Infinity;
  const packer = new RefPacker(forge);
  const off = forge.events.on('branch-pushed', ({ repoId }) => packer.note(repoId));

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
    const now = forge.clock.now();
    const isFull = now - fullScanAt >= fullScanMs;
    const chosen = isFull ? listRepos(forge) : listActive(forge, wanted);
    const asked = new Set(wanted);
    wanted.clear();
    await scanRepos(forge, chosen, { pins: isFull, asked });
    if (isFull) fullScanAt = now;
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
    stop: async () => {
      await loop.stop();
      off();
      await packer.settled();
    },
    look: (repoId) => {
      wanted.add(repoId);
      loop.wake();
    },
    ingest: async (pushId) => {
      await readSpool();
      const lines = told.get(pushId) ?? [];
      told.delete(pushId);
      return lines;
    },
  };
}

/** Those that changed of late, that have open branches, or that somebody wants looked at. */
function listActive(forge: Forge, wanted: ReadonlySet<number>): Repo[] {
  const active = new Set(listActiveRepoIds(forge.db, forge.clock.now() - day));
  return listRepos(forge).filter(({ id }) => active.has(id) || wanted.has(id));
}

/** One broken repository does not keep the others from being looked at. */
async function scanRepos(
  forge: Forge,
  repos: readonly Repo[],
  { pins, asked }: { pins: boolean; asked: ReadonlySet<number> },
): Promise<void> {
  for (const repo of repos) {
    try {
      await scanRepo(forge, repo, { pins, ifChanged: !pins && !asked.has(repo.id) });
    } catch (error) {
      forge.log.error({ err: error, repoId: repo.id }, 'a repository could not be scanned');
    }
  }
}
