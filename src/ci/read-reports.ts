// Turns the reports that a lane left into results of single tests, before its end is told, so that the results are kept
// together with the end. Never throws: a report that cannot be read is a finding with a sentence.
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { Git, readMemoryBytes } from '../git/run.ts';
import { errorMessage } from '../lib/errors.ts';
import { compileGlob } from '../lib/glob.ts';
import type { LaneResult, StartMessage } from './lane-message.ts';
import type { LocatedTest, ReportedTests, ReportFinding } from './reported-tests.ts';
import { placesOf } from './sandbox.ts';
import { cookieName } from './survivors.ts';

/** What the report thread is started with. */
export interface ReportWork {
  files: readonly { path: string; stored: string }[];
  /** Paths of the commit, each ended by a NUL. */
  trackedFiles: string;
  workFolder: string;
  maxTests: number;
}

/** What it tells of each report. */
export interface ReadReport {
  finding: ReportFinding;
  tests: LocatedTest[];
}

type Order = Pick<
  StartMessage,
  | 'reports'
  | 'reportsFolder'
  | 'logFolder'
  | 'objects'
  | 'commit'
  | 'searchPath'
  | 'cookie'
  | 'tier'
  | 'folder'
  | 'leaseMs'
  | 'maxReportedTests'
  | 'maxReportMemoryBytes'
  | 'reportMs'
>;

const maxListBytes = 32 * 1024 * 1024;
const maxTextLength = 4 * 1024 * 1024;
const mebibyte = 1024 * 1024;

/** The result of a lane with what its reports say; as it is when the lane names none or will run again. */
export async function withTests(start: Order, result: LaneResult): Promise<LaneResult> {
  const { reports = [], cause } = result;
  const willRunAgain = cause === 'requeue' || cause === 'lost';
  // Nobody expects reports of a lane that was stopped half way.
  const isNothing = result.outcome === 'stopped' && reports.length === 0;
  if (start.reports.length === 0 || willRunAgain || isNothing) return result;
  return { ...result, tests: await readReports(start, reports) };
}

async function readReports(
  start: Order,
  stored: readonly { path: string; stored: string }[],
): Promise<ReportedTests> {
  const files = stored.map((file) => ({ path: file.path, stored: join(start.reportsFolder, file.stored) }));
  const missing = start.reports
    .filter((pattern) => !files.some(({ path }) => matches(pattern, path)))
    .map((pattern) => ({
      path: pattern,
      tests: 0,
      problem: 'the lane left no such file, or one too large to be read',
    }));
  if (files.length === 0) return { reports: missing, tests: [] };
  const { work: workFolder } = placesOf(start);
  const trackedFiles = await listFiles(start);
  const read = await readInThreads(
    { files, trackedFiles, workFolder, maxTests: start.maxReportedTests },
    start,
  );
  return {
    reports: [...read.map(({ finding }) => finding), ...missing],
    tests: withinLength(read.flatMap(({ tests }) => tests)),
  };
}

function matches(pattern: string, path: string): boolean {
  try {
    return compileGlob(pattern)(path);
  } catch {
    return false;
  }
}

/** The paths of the commit; none when they cannot be listed, so that failures are shown without their place. */
async function listFiles(start: Order): Promise<string> {
  const home = join(start.logFolder, 'report-git');
  try {
    const git = new Git({
      home,
      searchPath: start.searchPath,
      limits: { maxPushBytes: 1, gitSeconds: 30 },
    });
    const { stdout } = await git.run(['ls-tree', '-r', '-z', '--name-only', '--full-tree', start.commit], {
      repo: dirname(start.objects),
      maxBytes: maxListBytes,
      timeoutMs: Math.min(start.reportMs, start.leaseMs / 8),
      maxMemoryBytes: readMemoryBytes,
      env: { [cookieName]: start.cookie },
    });
    return stdout.toString('utf8');
  } catch {
    return '';
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** A thread that dies takes the report it was at with it; the next one goes on with the rest, in the time that is left. */
async function readInThreads(work: ReportWork, start: Order): Promise<ReadReport[]> {
  // Nobody prolongs the lease any more, and the end of the lane must be told within it.
  const deadline = Date.now() + Math.min(start.reportMs, start.leaseMs / 4);
  const read: ReadReport[] = [];
  while (read.length < work.files.length) {
    const rest = work.files.slice(read.length);
    const taken = read.reduce((sum, { tests }) => sum + tests.length, 0);
    const part = { ...work, files: rest, maxTests: Math.max(0, work.maxTests - taken) };
    const limits = { leftMs: deadline - Date.now(), memoryBytes: start.maxReportMemoryBytes };
    const problem = await readInThread(part, limits, (report) => read.push(report));
    const stuck = work.files[read.length];
    if (stuck !== undefined) read.push({ finding: { path: stuck.path, tests: 0, problem }, tests: [] });
  }
  return read;
}

/** Resolves with why the thread ended; that matters only when it was not through. */
async function readInThread(
  work: ReportWork,
  limits: { leftMs: number; memoryBytes: number },
  tell: (report: ReadReport) => void,
): Promise<string> {
  const slow = 'reading the reports took too long';
  if (limits.leftMs <= 0) return slow;
  const thread = new Worker(new URL('./report-thread.ts', import.meta.url), {
    workerData: work,
    env: {},
    argv: [],
    name: 'reports',
    trackUnmanagedFds: false,
    resourceLimits: { maxOldGenerationSizeMb: Math.ceil(limits.memoryBytes / mebibyte) },
  });
  const ended = Promise.withResolvers<string>();
  thread.on('message', tell);
  thread.on('error', (error) => {
    const isFull = (error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY';
    ended.resolve(isFull ? 'reading it took too much memory' : `it cannot be read: ${errorMessage(error)}`);
  });
  thread.on('exit', () => ended.resolve('it cannot be read'));
  const clock = new AbortController();
  const timeout = delay(limits.leftMs, slow, { signal: clock.signal }).catch(() => slow);
  try {
    return await Promise.race([ended.promise, timeout]);
  } finally {
    clock.abort();
    await thread.terminate();
  }
}

/** Names and messages of all tests stay; their outputs fit into one length together, the first ones first. */
function withinLength(tests: readonly LocatedTest[]): LocatedTest[] {
  let room = maxTextLength;
  return tests.map((test) => {
    room -= test.output?.length ?? 0;
    if (room >= 0 || test.output === undefined) return test;
    const { output: _left, ...rest } = test;
    return rest;
  });
}
