// Looks after the bare repositories: one at a time, never while one of them receives a push, and with a record of
// what was done. When it is time is for housekeeping-loop.ts to say.
import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import type { Forge } from '../forge/open.ts';
import { doStep, dueSteps, type HousekeepingStep } from '../git/housekeeping.ts';
import { measureRepo, type RepoExtent } from '../git/repo-extent.ts';
import { isReceiving, listStaleFiles, removeStaleFiles, type StaleLimits } from '../git/stale-files.ts';
import { ForgeError, errorMessage } from '../lib/errors.ts';
import { GitError } from '../git/run.ts';
import type { HousekeepingState, Repo } from './model.ts';
import { repoPath } from './path.ts';
import {
  lastHousekeeping,
  unknownExtent,
  writeHousekeeping,
  type DoneStep,
  type Housekeeping,
} from './housekeeping-record.ts';

const minute = 60_000;
const day = 24 * 60 * minute;

export type KeepAnswer =
  | { outcome: 'kept'; housekeeping: Housekeeping }
  | { outcome: 'nothing to do' }
  /** A push is being received; ask again in a moment. */
  | { outcome: 'put off' };

export interface KeepOptions {
  /** Do every step but the sweep, whether it is due or not. */
  everything?: boolean;
  signal?: AbortSignal | undefined;
}

const turns = new WeakMap<Forge, Promise<unknown>>();

/** Looks after one repository when those asked for before it are done. A step that fails is in the record, not thrown. */
export const keepRepo = (forge: Forge, repo: Repo, options: KeepOptions = {}): Promise<KeepAnswer> =>
  besideHousekeeping(forge, () => keepNow(forge, repo, options));

/** Runs `body` while no repository is being looked after, so that no pack disappears under it. */
export function besideHousekeeping<Result>(forge: Forge, body: () => Promise<Result>): Promise<Result> {
  const result = (turns.get(forge) ?? Promise.resolve()).then(body);
  turns.set(
    forge,
    result.catch(() => undefined),
  );
  return result;
}

/** How old things must be before they are nobody's; the time is the machine's, as that of the files is. */
export const staleLimits = (forge: Forge): StaleLimits => ({
  now: Date.now(),
  pushMs: forge.config.limits.gitSeconds * 1000,
});

async function keepNow(forge: Forge, repo: Repo, options: KeepOptions): Promise<KeepAnswer> {
  options.signal?.throwIfAborted();
  try {
    return await keepDue(forge, repo, options);
  } catch (error) {
    forge.log.error({ err: error, repoId: repo.id }, 'a repository could not be looked after');
    const at = forge.clock.now();
    const failed: Housekeeping = {
      repoId: repo.id,
      state: 'failed',
      steps: [],
      error: reasonOf(error, repoPath(forge, repo.id)),
      before: unknownExtent,
      after: undefined,
      startedAt: at,
      endedAt: at,
      sweptAt: lastHousekeeping(forge, repo.id)?.sweptAt,
    };
    writeHousekeeping(forge, failed);
    return { outcome: 'kept', housekeeping: failed };
  }
}

async function keepDue(forge: Forge, repo: Repo, options: KeepOptions): Promise<KeepAnswer> {
  const path = repoPath(forge, repo.id);
  if (!existsSync(path)) throw new ForgeError('not_found', 'its bare repository is gone');
  const last = lastHousekeeping(forge, repo.id);
  const leftovers = await listStaleFiles(path, staleLimits(forge));
  await removeStaleFiles(path, leftovers);
  if (leftovers.length > 0) {
    const paths = leftovers.slice(0, 20).map((file) => file.path);
    forge.log.warn(
      { repoId: repo.id, paths, count: leftovers.length },
      'leftovers of killed gits were removed',
    );
  }
  if (await isReceiving(path, staleLimits(forge))) return { outcome: 'put off' };
  const before = await measureRepo(forge.git, path);
  const steps = dueSteps(before, forge.config.housekeeping, {
    sweepIsDue: isSweepDue(forge, repo, last),
    hasNewCommits: last === undefined || (repo.pushedAt ?? 0) >= last.startedAt,
    ...(options.everything === true ? { everything: true } : {}),
  });
  if (steps.length === 0 && leftovers.length === 0) return { outcome: 'nothing to do' };
  const done: DoneStep[] = leftovers.length > 0 ? [{ step: 'leftovers', ms: 0 }] : [];
  return {
    outcome: 'kept',
    housekeeping: await record(forge, { repo, path, last, before, done, steps, options }),
  };
}

/** Only what was pushed since the last one can have left anything behind. */
function isSweepDue(forge: Forge, repo: Repo, last: Housekeeping | undefined): boolean {
  if (repo.pushedAt === undefined) return false;
  const since = last?.sweptAt ?? repo.createdAt;
  return repo.pushedAt >= since && forge.clock.now() - since >= forge.config.housekeeping.sweepDays * day;
}

interface Round {
  repo: Repo;
  path: string;
  last: Housekeeping | undefined;
  before: RepoExtent;
  done: DoneStep[];
  steps: readonly HousekeepingStep[];
  options: KeepOptions;
}

async function record(forge: Forge, round: Round): Promise<Housekeeping> {
  const { repo, path, last, before, done } = round;
  const startedAt = forge.clock.now();
  const set = (state: HousekeepingState, more: Partial<Housekeeping> = {}): Housekeeping => {
    const row: Housekeeping = {
      repoId: repo.id,
      state,
      steps: done,
      error: undefined,
      before,
      after: undefined,
      startedAt,
      endedAt: undefined,
      sweptAt: last?.sweptAt,
      ...more,
    };
    writeHousekeeping(forge, row);
    return row;
  };
  set('running');
  const errors = await doSteps(forge, round);
  const endedAt = forge.clock.now();
  const state = isAborted(round) ? 'interrupted' : errors.length > 0 ? 'failed' : 'done';
  return set(state, {
    error: errors.length > 0 ? errors.join('\n') : undefined,
    after: await measureRepo(forge.git, path),
    endedAt,
    sweptAt: done.some(({ step }) => step === 'sweep') ? endedAt : last?.sweptAt,
  });
}

/** One step that fails does not keep the others from being done. Answers what went wrong. */
async function doSteps(forge: Forge, round: Round): Promise<string[]> {
  const errors: string[] = [];
  for (const step of round.steps) {
    const error = await tryStep(forge, round, step);
    if (isAborted(round)) break;
    if (error !== undefined) errors.push(`${step}: ${error}`);
  }
  return errors;
}

const isAborted = ({ options }: Round): boolean => options.signal?.aborted === true;

async function tryStep(forge: Forge, round: Round, step: HousekeepingStep): Promise<string | undefined> {
  const { repo, path, before, done, options } = round;
  const { stepMinutes, graceDays } = forge.config.housekeeping;
  const startedAt = performance.now();
  try {
    await requireRoom(path, before);
    await doStep(forge.git, step, {
      repo: path,
      timeoutMs: stepMinutes * minute,
      graceSeconds: (graceDays * day) / 1000,
      signal: options.signal,
    });
    done.push({ step, ms: Math.round(performance.now() - startedAt) });
    return undefined;
  } catch (error) {
    if (!isAborted(round))
      forge.log.error({ err: error, repoId: repo.id, step }, 'a step of the housekeeping failed');
    return reasonOf(error, path);
  }
}

/** Old packs go only when the new ones are written, so for a while there are both. */
async function requireRoom(path: string, { bytes }: RepoExtent): Promise<void> {
  const disk = await statfs(path);
  const spare = 64 * 1024 * 1024;
  if (disk.bavail * disk.bsize >= bytes + spare) return;
  throw new ForgeError(
    'unavailable',
    `the disk has too little room to write it anew; free ${Math.ceil((bytes + spare) / 2 ** 20)} MiB`,
  );
}

/** In a line, with paths from the repository's folder on, and none of this machine. */
function reasonOf(error: unknown, path: string): string {
  const text = error instanceof GitError ? error.stderr.trim() || error.message : errorMessage(error);
  const [line = ''] = text.replaceAll(`${path}/`, '').split('\n');
  return line
    .replace(/^(?:fatal|error): /, '')
    .replaceAll(/(?<!\w)\/(?:[^\s/':]+\/)+[^\s/':]+/g, '…')
    .slice(0, 500);
}
