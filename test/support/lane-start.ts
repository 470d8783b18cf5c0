// One lane without the scheduler: what a thread is told, and its whole life in this process, so that a test can choose
// every limit and stop it at any moment.
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LaneResult, StartMessage, Tier } from '../../src/ci/lanes/lane-message.ts';
import { findBounds } from '../../src/ci/lanes/probe.ts';
import { RunningLane } from '../../src/ci/lanes/running-lane.ts';
import { resolveBranch } from '../../src/git/refs.ts';
import type { TestForge } from './forge.ts';
import type { Files } from './push-files.ts';

export interface LaneOrder extends Partial<StartMessage> {
  tier: Tier;
  command: string | string[];
  files?: Files;
}

let made = 0;

/** Makes a repository with the files, and what a thread would be told to run the command on them. */
export async function laneStart(it: TestForge, order: LaneOrder): Promise<StartMessage> {
  made += 1;
  const { files = { 'README.md': 'x' }, ...given } = order;
  const { config, git } = it.forge;
  const { searchPath, paths } = config;
  const repo = it.repoFolder(await it.repo(`demo/lane${made}`, { files }));
  const commit = (await resolveBranch(git, repo, 'main')) ?? '';
  const logFolder = join(paths.lanes, `test-${made}`);
  const probe = { dataFolder: paths.data, scratch: join(paths.lanes, 'probe'), searchPath };
  return {
    type: 'start',
    attemptId: made,
    token: 1,
    cookie: `test-${randomBytes(6).toString('hex')}.${made}-1.`,
    title: 'a lane',
    attemptNumber: 1,
    commit,
    env: {},
    objects: join(repo, 'objects'),
    folder: join(paths.checkouts, `${made}-1`),
    logFolder,
    dataFolder: paths.data,
    searchPath,
    bounds: await findBounds(order.tier, probe),
    ...limits,
    network: true,
    secrets: {},
    notes: [],
    caches: [],
    cacheFolder: join(paths.caches, 'own'),
    readableCaches: [join(paths.caches, 'default')],
    artifacts: [],
    artifactsFolder: join(logFolder, 'artifacts'),
    reports: [],
    reportsFolder: join(logFolder, 'reports'),
    keepFolder: false,
    ...given,
  };
}

const limits = {
  timeoutMs: 120_000,
  idleMs: 120_000,
  graceMs: 1000,
  leaseMs: 600_000,
  heartbeatMs: 30_000,
  maxLogBytes: 64 * 1024 * 1024,
  maxTreeFiles: 100_000,
  maxDiskBytes: 2 ** 30,
  minFreeBytes: 1,
  maxTemporaryBytes: 2 ** 26,
  maxPrograms: 1000,
  maxCacheBytes: 2 ** 26,
  maxArtifacts: 100,
  maxArtifactBytes: 2 ** 24,
  maxReports: 10,
  maxReportBytes: 2 ** 20,
  maxReportedTests: 1000,
  maxReportMemoryBytes: 2 ** 28,
  reportMs: 60_000,
};

export interface StartedLane {
  lane: RunningLane;
  ended: Promise<LaneResult>;
  /** Resolves with the first output. */
  printed: Promise<void>;
  log: () => string;
}

export function startLane(start: StartMessage): StartedLane {
  mkdirSync(start.logFolder, { recursive: true });
  const { promise: printed, resolve } = Promise.withResolvers<void>();
  const lane = new RunningLane(start, { output: () => resolve(), heartbeat: () => undefined });
  return {
    lane,
    ended: lane.run(),
    printed,
    log: () => readFileSync(join(start.logFolder, 'log'), 'utf8'),
  };
}

/** Runs a lane to its end. */
export async function runLane(start: StartMessage): Promise<{ result: LaneResult; log: string }> {
  const started = startLane(start);
  const result = await started.ended;
  return { result, log: started.log() };
}
