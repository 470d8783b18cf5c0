// Reads the reports of one attempt in a process of its own: whoever pushes decides what stands in them, and when one
// needs too much memory or time, this process ends and nothing else does. The order comes as JSON on standard input;
// each report is told on a line of standard output as soon as it is read.
import { readFileSync, writeSync } from 'node:fs';
import { SourceTree, placeOf } from '../../lib/source-places.ts';
import type { ReportedTest } from '../../lib/reported-test.ts';
import { readTestReport } from '../../lib/test-report.ts';
import type { ReadReport, ReportWork } from './read-reports.ts';
import type { LocatedTest } from './reported-tests.ts';

const work = JSON.parse(readFileSync(0, 'utf8')) as ReportWork;
const tree = new SourceTree(work.trackedFiles.split('\0').filter(Boolean), work.workFolder);
let room = work.maxTests;

for (const { path, stored } of work.files) {
  const { tests, problem } = readTestReport(decode(readFileSync(stored)), room);
  room = Math.max(0, room - tests.length);
  const near = path.slice(0, Math.max(0, path.lastIndexOf('/')));
  const finding = { path, tests: tests.length, ...(problem === undefined ? {} : { problem }) };
  tell({ finding, tests: withinLength(tests.map((test) => locate(test, near))) });
}

function tell(report: ReadReport): void {
  const line = Buffer.from(`${JSON.stringify(report)}\n`);
  for (let from = 0; from < line.length;) from += writeSync(1, line, from);
}

/** Names of all tests stay; their messages and outputs fit into one length together, the first ones first. */
function withinLength(tests: readonly LocatedTest[]): LocatedTest[] {
  return tests.map(({ message, output, ...test }) => {
    const takes = (text: string | undefined): boolean => {
      if (text === undefined || text.length > work.maxTextLength) return false;
      work.maxTextLength -= text.length;
      return true;
    };
    return { ...test, ...(takes(message) && { message }), ...(takes(output) && { output }) };
  });
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
