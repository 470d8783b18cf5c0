// When a repository is looked after: some minutes after it was pushed to, every hour otherwise, and at once when
// somebody asks.
import type { Forge } from '../forge/open.ts';
import { Loop } from '../lib/loop.ts';
import { listRepos } from './find.ts';
import { keepRepo } from './housekeeping.ts';
import type { Repo } from './model.ts';
import { interruptHousekeeping } from './store.ts';

const minute = 60_000;
const quietMinutes = 60;

export interface HousekeepingLoop {
  loop: Loop;
  start(): void;
  stop(): Promise<void>;
  /** Has every step but the sweep done in the next pass, which comes at once. */
  want(repoIds: readonly number[]): void;
  /** Those that wait for their turn because somebody asked. */
  wanted(): ReadonlySet<number>;
}

export function openHousekeeping(forge: Forge): HousekeepingLoop {
  const wanted = new Set<number>();
  const lookedAt = new Map<number, number>();
  const stopping = new AbortController();
  interruptHousekeeping(forge.db);

  const isDue = (repo: Repo, now: number): boolean => {
    const last = lookedAt.get(repo.id);
    if (wanted.has(repo.id) || last === undefined) return true;
    const wasPushed = (repo.pushedAt ?? 0) >= last;
    const minutes = wasPushed ? forge.config.housekeeping.everyMinutes : quietMinutes;
    // The clock may have been set back.
    return now - last >= minutes * minute || now < last;
  };
  const look = async (repo: Repo): Promise<void> => {
    const now = forge.clock.now();
    if (stopping.signal.aborted || !isDue(repo, now)) return;
    const everything = wanted.has(repo.id);
    const answer = await keepRepo(forge, repo, { everything, signal: stopping.signal });
    if (answer.outcome === 'put off') return;
    wanted.delete(repo.id);
    lookedAt.set(repo.id, now);
  };
  const loop = new Loop({
    name: 'housekeeping',
    pollMs: minute,
    log: forge.log,
    now: () => forge.clock.now(),
    runOnce: async () => {
      for (const repo of listRepos(forge)) await look(repo);
    },
  });
  return {
    loop,
    start: () => loop.start(),
    stop: () => {
      stopping.abort();
      return loop.stop();
    },
    want: (repoIds) => {
      for (const id of repoIds) wanted.add(id);
      loop.wake();
    },
    wanted: () => wanted,
  };
}
