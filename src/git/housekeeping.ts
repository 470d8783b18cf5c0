// Keeps a bare repository small and fast: packs with one index and a bitmap over all of them, packed refs, and a
// commit-graph. Each step leaves the repository whole wherever it is killed, and what it was killed in is done anew.
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ForgeError } from '../lib/errors.ts';
import { runLong } from './long-run.ts';
import type { RepoExtent } from './repo-extent.ts';
import { GitError, type Git } from './run.ts';
import { removeLeftPackedRefs } from './stale-files.ts';

/** In the order in which they are done; a sweep repacks everything and stands in for a repack. */
export const housekeepingSteps = ['pack refs', 'repack', 'sweep', 'commit graph'] as const;
export type HousekeepingStep = (typeof housekeepingSteps)[number];

export interface Thresholds {
  maxLooseObjects: number;
  maxPacks: number;
  maxLooseRefs: number;
  /** Below this a bitmap and a commit-graph make nothing faster. */
  minIndexedObjects: number;
}

/** What is due; `everything` but the sweep when somebody asks for it. */
export function dueSteps(
  extent: RepoExtent,
  thresholds: Thresholds,
  when: { sweepIsDue: boolean; hasNewCommits: boolean; everything?: boolean },
): HousekeepingStep[] {
  const objects = extent.looseObjects + extent.packedObjects;
  if (objects === 0) return [];
  const isLarge = objects >= thresholds.minIndexedObjects;
  const isScattered = extent.looseObjects > thresholds.maxLooseObjects || extent.packs > thresholds.maxPacks;
  const wanted: Record<HousekeepingStep, boolean> = {
    'pack refs': extent.looseRefs > thresholds.maxLooseRefs,
    repack: isScattered || (isLarge && !extent.hasBitmap),
    sweep: when.sweepIsDue,
    'commit graph': isLarge && (when.hasNewCommits || !extent.hasCommitGraph),
  };
  return housekeepingSteps.filter((step) => {
    if (step === 'repack' && wanted.sweep) return false;
    return wanted[step] || (when.everything === true && step !== 'sweep');
  });
}

export interface StepOptions {
  /** The bare repository, as an absolute path. */
  repo: string;
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  /** How long an object must have been unreachable before a sweep takes it away. */
  graceSeconds: number;
}

/** Does one step; throws what went wrong, with the repository as it was or as it should be. */
export async function doStep(git: Git, step: HousekeepingStep, options: StepOptions): Promise<void> {
  switch (step) {
    case 'pack refs':
      options.signal?.throwIfAborted();
      await removeLeftPackedRefs(options.repo);
      // It is short, and git that is stopped in it often leaves a lock that nobody can tell from that of a push.
      await keep(git, ['pack-refs', '--all', '--prune'], { ...options, signal: undefined });
      return;
    case 'repack':
      // Only packs that are small beside the next one are rolled up, with all loose objects.
      await keep(git, ['repack', '-d', '-l', '-q', '--geometric=2', ...indexed], options);
      return;
    case 'sweep':
      await sweep(git, options);
      return;
    case 'commit graph':
      await keep(git, commitGraph, options);
  }
}

const indexed = ['--write-midx', '--write-bitmap-index'];
const commitGraph = ['commit-graph', 'write', '--reachable', '--changed-paths', '--split', '--no-progress'];
// One thread and little memory: it has all the time, and who waits for a page or a clone has not.
const settings = { 'pack.threads': '1', 'pack.windowMemory': '256m', 'pack.deltaCacheSize': '64m' };

async function keep(git: Git, args: readonly string[], options: StepOptions): Promise<void> {
  try {
    await runLong(git, args, { ...options, settings });
  } catch (error) {
    if (!(error instanceof GitError && error.exitCode !== undefined)) await removeIndexLocks(options.repo);
    throw error;
  }
}

/** A git that is stopped just after it made a lock does not take it away; only housekeeping takes these. */
const indexLocks = [
  'info/commit-graph.lock',
  'info/commit-graphs/commit-graph-chain.lock',
  'pack/multi-pack-index.lock',
];

async function removeIndexLocks(repo: string): Promise<void> {
  for (const lock of indexLocks) await rm(join(repo, 'objects', lock), { force: true });
}

/** Beside the objects: what the newest sweep took away stays there until the next one. */
const sweptFolder = 'swept';

/**
 * Puts what nothing reaches into a pack of its own and takes away what nothing has reached for the time of grace.
 * git cannot know that a push under way builds on such an object, so what is taken away is kept until the next
 * sweep, and comes back at once when something misses it.
 */
async function sweep(git: Git, options: StepOptions): Promise<void> {
  const { repo, graceSeconds } = options;
  await requireWhole(git, options);
  const folder = join(repo, sweptFolder);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o700 });
  const before = `@${Math.floor(Date.now() / 1000) - graceSeconds}`;
  const expiry = [`--cruft-expiration=${before}`, `--expire-to=${join(folder, 'pack')}`];
  await keep(git, ['repack', '-d', '-l', '-q', '--cruft', ...expiry, ...indexed], options);
  // Those of them that were in no pack are in the copy by now, and still lie where they were.
  await keep(git, ['prune', `--expire=${before}`, '--no-progress'], options);
  await requireWhole(git, options);
}

/** Refuses a repository in which something that a ref reaches is missing, after it has put back what it can. */
async function requireWhole(git: Git, options: StepOptions): Promise<void> {
  const missing = await whatIsMissing(git, options);
  if (missing === undefined) return;
  await restoreSwept(options.repo);
  if ((await whatIsMissing(git, options)) === undefined) return;
  throw new ForgeError(
    'unavailable',
    `Nothing is taken out of a repository with missing objects: ${missing}`,
  );
}

async function whatIsMissing(git: Git, options: StepOptions): Promise<string | undefined> {
  try {
    await keep(git, ['rev-list', '--objects', '--all', '--quiet'], options);
    return undefined;
  } catch (error) {
    if (error instanceof GitError && error.exitCode !== undefined) return firstLine(error.stderr);
    throw error;
  }
}

const firstLine = (text: string): string => text.trim().split('\n', 1)[0] ?? '';

/** Whether there is something that `restoreSwept` would give back. */
export const hasSwept = async (repo: string): Promise<boolean> =>
  (await readdir(join(repo, sweptFolder)).catch(() => [])).length > 0;

/** Gives back what the newest sweep took away; answers how many packs. The index comes last: it makes a pack one. */
export async function restoreSwept(repo: string): Promise<number> {
  const folder = join(repo, sweptFolder);
  const names = await readdir(folder).catch(() => []);
  const isIndex = (name: string): number => Number(name.endsWith('.idx'));
  for (const name of names.toSorted((a, b) => isIndex(a) - isIndex(b))) {
    await rename(join(folder, name), join(repo, 'objects/pack', name));
  }
  return names.filter(isIndex).length;
}

/** Takes away indexes that say something else than the objects they are about; the next housekeeping writes them. */
export async function dropIndexes(repo: string): Promise<void> {
  const packs = join(repo, 'objects/pack');
  for (const name of await readdir(packs).catch(() => [])) {
    if (/^multi-pack-index|\.bitmap$/.test(name)) await rm(join(packs, name), { force: true });
  }
  for (const name of ['commit-graph', 'commit-graphs']) {
    await rm(join(repo, 'objects/info', name), { recursive: true, force: true });
  }
}
