// Reads what a test runner wrote down about its tests: JUnit XML or TAP. Whoever pushes writes these files, so each is
// read within limits, and one that cannot be read is a sentence and no error.
import { stripControls } from './ansi.ts';
import { readJunit } from './junit.ts';
import type { ReportedTest, TestReport } from './reported-test.ts';
import { readTap } from './tap.ts';

export const maxNameLength = 500;
export const maxMessageLength = 2000;
export const maxOutputLength = 16_000;
const maxPathLength = 1000;

/** Reads one report with at most `maxTests` tests; those beyond are left out, and `problem` says so. */
export function readTestReport(text: string, maxTests = 20_000): TestReport {
  const report = readAny(text.replace(/^\uFEFF/, ''), maxTests);
  return { ...report, tests: report.tests.map(bounded) };
}

function readAny(text: string, maxTests: number): TestReport {
  if (/^\s*</.test(text)) return readJunit(text, maxTests);
  if (/^[ \t]*(?:TAP version \d+|(?:not )?ok\b|1\.\.\d+|Bail out!)/m.test(text))
    return readTap(text, maxTests);
  const problem = text.trim() === '' ? 'it is empty' : 'it is neither JUnit XML nor TAP';
  return { tests: [], problem };
}

function bounded(test: ReportedTest): ReportedTest {
  return {
    ...test,
    suite: oneLine(test.suite),
    name: oneLine(test.name) || '(no name)',
    message: test.message && (shorten(plain(test.message).trim(), maxMessageLength) || undefined),
    output: test.output && (shorten(trimLines(plain(test.output)), maxOutputLength) || undefined),
    file: test.file?.slice(0, maxPathLength),
  };
}

const oneLine = (text: string): string =>
  shorten(
    plain(text.slice(0, 4 * maxNameLength))
      .replace(/\s+/g, ' ')
      .trim(),
    maxNameLength,
  );

/** Without control sequences, colours included: a report is text. */
function plain(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
  return stripControls(text.toWellFormed())
    .replace(/\u001B\[[0-9;:]*m|\u001B/g, '')
    .replace(/\r\n?/g, '\n');
}

/** Without the empty lines around a text; the first line keeps its indentation. */
const trimLines = (text: string): string => text.replace(/^\s*\n/, '').trimEnd();

/** The beginning and the end of a text that is too long. */
export function shorten(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const mark = maxLength < 1000 ? '…' : `\n… ${text.length - maxLength} characters are left out here …\n`;
  const room = Math.max(0, maxLength - mark.length);
  const head = Math.ceil(room * 0.75);
  return text.slice(0, head).trimEnd() + mark + text.slice(text.length - (room - head)).trimStart();
}
