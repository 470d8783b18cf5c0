// Looks after the bare repositories: one at a time, never while one of them receives a push, and with a record of
// what was done. When it is time is for housekeeping-loop.ts to say.
import { statfs } from 'node:fs/promises';
import { z } from 'zod';
import type { Forge } from '../forge/open.ts';
import { doStep, dueSteps, housekeepingSteps, type HousekeepingStep } from '../git/housekeeping.ts';
import { measureRepo, type RepoExtent } from '../git/repo-extent.ts';
import { isReceiving, listStaleFiles, removeStaleFiles, type StaleLimits } from '../git/stale-files.ts';
import { ForgeError, errorMessage } from '../lib/errors.ts';
import { GitError } from '../git/run.ts';
import type { HousekeepingState, Repo } from './model.ts';
import { repoPath } from './path.ts';
import { findHousekeeping, listHousekeeping, putHousekeeping, type HousekeepingRow } from './store.ts';

const minute = 60_000;
const day = 24 * 60 * minute;

const extentShape = z.object({
  looseObjects: z.number(),
  packedObjects: z.number(),
  packs: z.number(),
  bytes: z.number(),
  looseRefs: z.number(),
  hasBitmap: z.boolean(),
  hasCommitGraph: z.boolean(),
});
const doneShape = z.object({ step: z.enum(['leftovers', ...housekeepingSteps]), ms: z.number() });
export type DoneStep = z.infer<typeof doneShape>;

export interface Housekeeping {
  repoId: number;
  state: HousekeepingState;
  steps: DoneStep[];
  /** Why it failed, for people. */
  error: string | undefined;
  before: RepoExtent;
  after: RepoExtent | undefined;
  startedAt: number;
  endedAt: number | undefined;
  sweptAt: number | undefined;
}

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

/** What was done last, what needs a look first. */
export const recentHousekeeping = (forge: Forge, limit: number): Housekeeping[] =>
  listHousekeeping(forge.db, limit).map(readRow);

export function lastHousekeeping(forge: Forge, repoId: number): Housekeeping | undefined {
  const row = findHousekeeping(forge.db, repoId);
  return row && readRow(row);
}

/** How old things must be before they are nobody's; the time is the machine's, as that of the files is. */
export const staleLimits = (forge: Forge): StaleLimits => ({
  now: Date.now(),
  pushMs: forge.config.limits.gitSeconds * 1000,
});

async function keepNow(forge: Forge, repo: Repo, options: KeepOptions): Promise<KeepAnswer> {
  options.signal?.throwIfAborted();
  const path = repoPath(forge, repo.id);
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
  const write = (state: HousekeepingState, more: Partial<Housekeeping> = {}): Housekeeping => {
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
    putHousekeeping(forge.db, toRow(row));
    forge.events.emit('housekeeping-changed', { repoId: repo.id });
    return row;
  };
  write('running');
  const errors = await doSteps(forge, round);
  const endedAt = forge.clock.now();
  const state = isAborted(round) ? 'interrupted' : errors.length > 0 ? 'failed' : 'done';
  return write(state, {
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

const toRow = (housekeeping: Housekeeping): HousekeepingRow => ({
  repoId: housekeeping.repoId,
  state: housekeeping.state,
  steps: JSON.stringify(housekeeping.steps),
  error: housekeeping.error ?? null,
  before: JSON.stringify(housekeeping.before),
  after: housekeeping.after === undefined ? null : JSON.stringify(housekeeping.after),
  startedAt: housekeeping.startedAt,
  endedAt: housekeeping.endedAt ?? null,
  sweptAt: housekeeping.sweptAt ?? null,
});

const readRow = (row: HousekeepingRow): Housekeeping => ({
  repoId: row.repoId,
  state: row.state,
  steps: z.array(doneShape).parse(JSON.parse(row.steps)),
  error: row.error ?? undefined,
  before: extentShape.parse(JSON.parse(row.before)),
  after: row.after === null ? undefined : extentShape.parse(JSON.parse(row.after)),
  startedAt: row.startedAt,
  endedAt: row.endedAt ?? undefined,
  sweptAt: row.sweptAt ?? undefined,
});
