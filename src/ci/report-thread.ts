// Reads the reports of one attempt, apart from everything else: whoever pushes decides what stands in them, and when
// one needs too much memory or time this thread ends and nothing else does. Tells each report as soon as it is read.
import { readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { SourceTree, placeOf } from '../lib/source-places.ts';
import type { ReportedTest } from '../lib/reported-test.ts';
import { readTestReport } from '../lib/test-report.ts';
import type { ReadReport, ReportWork } from './read-reports.ts';
import type { LocatedTest } from './reported-tests.ts';

const port = parentPort;
if (port === null) throw new Error('report-thread.ts runs as a thread of a lane only');

const work = workerData as ReportWork;
const tree = new SourceTree(work.trackedFiles.split('\0').filter(Boolean), work.workFolder);
let room = work.maxTests;

for (const { path, stored } of work.files) {
  const { tests, problem } = readTestReport(decode(readFileSync(stored)), room);
  room = Math.max(0, room - tests.length);
  const near = path.slice(0, Math.max(0, path.lastIndexOf('/')));
  const finding = { path, tests: tests.length, ...(problem === undefined ? {} : { problem }) };
  port.postMessage({ finding, tests: tests.map((test) => locate(test, near)) } satisfies ReadReport);
}

function locate(test: ReportedTest, near: string): LocatedTest {
  const { suite, name, state, durationMs, flaky } = test;
  const hasFailed = state === 'failed' || state === 'error' || flaky;
  const place = hasFailed ? placeOf(tree, test, near) : undefined;
  return {
    suite,
    name,
    state,
    flaky,
    ...(durationMs === undefined ? {} : { durationMs }),
    ...(test.message === undefined || state === 'passed' ? {} : { message: fromTop(test.message) }),
    ...(test.output === undefined || !hasFailed ? {} : { output: fromTop(test.output) }),
    ...(place === undefined ? {} : { file: place.file }),
    ...(place?.line === undefined ? {} : { line: place.line }),
  };
}

/** Paths as the repository has them: where the lane was checked out says nothing to anybody. */
function fromTop(text: string): string {
  return text.replaceAll(`file://${work.workFolder}/`, '').replaceAll(`${work.workFolder}/`, '');
}

/** Nearly all reports are UTF-8; others say so by their first bytes or in their XML declaration. */
function decode(bytes: Buffer): string {
  const start = bytes.subarray(0, 200).toString('latin1');
  const isWide = bytes[0] === 0xff && bytes[1] === 0xfe;
  const declared = /^\s*<\?xml[^>]{0,120}\bencoding=["']([\w.-]{1,40})["']/.exec(start)?.[1];
  try {
    return new TextDecoder(isWide ? 'utf-16le' : (declared ?? 'utf-8')).decode(bytes);
  } catch {
    return bytes.toString('utf8');
  }
}
