// Turns the reports that a lane left into results of single tests, before its end is told, so that the results are kept
// together with the end. Never throws: a report that cannot be read is a finding with a sentence.
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { getCompileCacheDir } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { Git, readMemoryBytes } from '../../git/run.ts';
import { errorMessage } from '../../lib/errors.ts';
import { compileGlob } from '../../lib/glob.ts';
import type { LaneResult, StartMessage } from '../lanes/lane-message.ts';
import { locatedTest, reportFinding, type ReportedTests } from './reported-tests.ts';
import { placesOf } from '../lanes/sandbox.ts';
import { cookieName } from '../lanes/survivors.ts';

/** What the process that reads them is given. */
export interface ReportWork {
  files: readonly { path: string; stored: string }[];
  /** Paths of the commit, each ended by a NUL. */
  trackedFiles: string;
  workFolder: string;
  maxTests: number;
  /** Of all messages and outputs together. */
  maxTextLength: number;
}

/** What it tells of each report. */
const readReport = z.strictObject({ finding: reportFinding, tests: z.array(locatedTest) });
export type ReadReport = z.infer<typeof readReport>;

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
  try {
    return { ...result, tests: await readReports(start, reports) };
  } catch (error) {
    const problem = `it cannot be read: ${errorMessage(error)}`;
    return {
      ...result,
      tests: { reports: start.reports.map((path) => ({ path, tests: 0, problem })), tests: [] },
    };
  }
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
  const { maxReportedTests: maxTests } = start;
  const scratch = join(start.logFolder, 'reading');
  mkdirSync(scratch, { recursive: true, mode: 0o700 });
  try {
    const trackedFiles = await listFiles(start, scratch);
    const read = await readAll({ files, trackedFiles, workFolder, maxTests, maxTextLength }, start, scratch);
    return {
      reports: [...read.map(({ finding }) => finding), ...missing],
      tests: read.flatMap(({ tests }) => tests),
    };
  } finally {
    rmSync(scratch, { recursive: true, force: true, maxRetries: 3 });
  }
}

function matches(pattern: string, path: string): boolean {
  try {
    return compileGlob(pattern)(path);
  } catch {
    return false;
  }
}

/** The paths of the commit; none when they cannot be listed, so that failures are shown without their place. */
async function listFiles(start: Order, home: string): Promise<string> {
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
  }
}

/** A process that dies takes the report it was at with it; the next one goes on with the rest, in the time that is left. */
async function readAll(work: ReportWork, start: Order, scratch: string): Promise<ReadReport[]> {
  // Nobody prolongs the lease any more, and the end of the lane must be told within it.
  const deadline = Date.now() + Math.min(start.reportMs, start.leaseMs / 4);
  const read: ReadReport[] = [];
  const part = { ...work };
  while (read.length < work.files.length) {
    part.files = work.files.slice(read.length);
    const problem = await readSome(part, { start, scratch, leftMs: deadline - Date.now() }, (report) => {
      part.maxTests = Math.max(0, part.maxTests - report.tests.length);
      for (const { message = '', output = '' } of report.tests)
        part.maxTextLength -= message.length + output.length;
      read.push(report);
    });
    const stuck = work.files[read.length];
    if (stuck !== undefined) read.push({ finding: { path: stuck.path, tests: 0, problem }, tests: [] });
  }
  return read;
}

/** Resolves with why the process ended; that matters only when it was not through. */
async function readSome(
  work: ReportWork,
  { start, scratch, leftMs }: { start: Order; scratch: string; leftMs: number },
  tell: (report: ReadReport) => void,
): Promise<string> {
  const slow = 'reading the reports took too long';
  if (leftMs <= 0) return slow;
  const megabytes = Math.ceil(start.maxReportMemoryBytes / mebibyte);
  const program = fileURLToPath(new URL('./report-process.ts', import.meta.url));
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', `--max-old-space-size=${megabytes}`, program],
    {
      cwd: scratch,
      env: { [cookieName]: start.cookie, ...compileCache() },
      stdio: ['pipe', 'pipe', 'ignore'],
    },
  );
  const ended = Promise.withResolvers<string>();
  child.on('error', (error) => ended.resolve(`it cannot be read: ${errorMessage(error)}`));
  // V8 aborts when its memory is full; the machine kills when there is none left.
  child.on('exit', (code, signal) => {
    const isFull = signal === 'SIGABRT' || signal === 'SIGKILL' || code === 134;
    ended.resolve(isFull ? 'reading it took too much memory' : 'it cannot be read');
  });
  // The process may end before it has read its order.
  child.stdin.on('error', () => undefined);
  child.stdin.end(JSON.stringify(work));
  const clock = new AbortController();
  const timeout = delay(leftMs, slow, { signal: clock.signal }).catch(() => slow);
  try {
    return await Promise.race([readLines(child.stdout, tell).then(() => ended.promise), timeout]);
  } finally {
    clock.abort();
    child.kill('SIGKILL');
  }
}

function compileCache(): Record<string, string> {
  const folder = getCompileCacheDir();
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: folder };
}

async function readLines(stream: Readable, tell: (report: ReadReport) => void): Promise<void> {
  for await (const line of createInterface({ input: stream })) {
    const report = parseLine(line);
    if (report !== undefined) tell(report);
  }
}

/** A process that is ended writes half a line last. */
function parseLine(line: string): ReadReport | undefined {
  try {
    return readReport.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}
