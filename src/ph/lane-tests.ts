// What the reports of a lane that ran here say of single tests. A report that is older than the lane's start is another
// run's and says nothing.
import { lstatSync, readFileSync, readdirSync, type Dirent } from 'node:fs';
import { posix } from 'node:path';
import { compileGlob } from '../lib/glob.ts';
import type { ReportedTest } from '../lib/reported-test.ts';
import { SourceTree, placeOf } from '../lib/source-places.ts';
import { readTestReport } from '../lib/test-report.ts';
import { listFiles } from './working-tree.ts';

const maxReportBytes = 64 * 1024 * 1024;
const maxEntries = 200_000;
// The clocks of file systems are coarse.
const slackMs = 2000;

export interface FailingTest {
  suite: string;
  name: string;
  message: string | null;
  file: string | null;
  line: number | null;
}

export interface TestSummary {
  passed: number;
  failed: number;
  skipped: number;
  failing: FailingTest[];
  /** Reports that could not be read, or that the lane did not write. */
  problems: string[];
}

export function readTests(top: string, patterns: readonly string[], startedAt: number): TestSummary {
  const summary: TestSummary = { passed: 0, failed: 0, skipped: 0, failing: [], problems: [] };
  let tree: SourceTree | undefined;
  for (const pattern of patterns) {
    const paths = findFresh(top, pattern, startedAt);
    if (paths.length === 0) summary.problems.push(`${pattern}: the lane wrote no such report`);
    for (const path of paths) {
      const { tests, problem } = readTestReport(readFileSync(posix.join(top, path), 'utf8'));
      if (problem !== undefined) summary.problems.push(`${path}: ${problem}`);
      for (const test of tests) {
        if (test.state === 'passed') summary.passed += 1;
        else if (test.state === 'skipped') summary.skipped += 1;
        else {
          summary.failed += 1;
          tree ??= new SourceTree(listFiles(top), top);
          summary.failing.push(failingOf(tree, test, posix.dirname(path)));
        }
      }
    }
  }
  return summary;
}

function failingOf(tree: SourceTree, test: ReportedTest, folder: string): FailingTest {
  const { suite, name, message, file, line } = test;
  const place = placeOf(
    tree,
    { file, line, suite, message, output: test.output },
    folder === '.' ? '' : folder,
  );
  return { suite, name, message: message ?? null, file: place?.file ?? null, line: place?.line ?? null };
}

/** The files that a pattern matches and that were written since; links are not followed. */
function findFresh(top: string, pattern: string, startedAt: number): string[] {
  const literal = pattern.split('/');
  const wild = literal.findIndex((part) => /[*?[{\\]/.test(part));
  const start = (wild < 0 ? literal.slice(0, -1) : literal.slice(0, wild)).join('/');
  const matches = compileGlob(pattern);
  const found: string[] = [];
  const folders = [start];
  let entries = 0;
  for (const folder of folders) {
    for (const entry of entriesOf(posix.join(top, folder))) {
      entries += 1;
      if (entries > maxEntries) return found;
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        const isDeep = wild >= 0 && !['.git', 'node_modules'].includes(entry.name);
        if (isDeep) folders.push(path);
      } else if (entry.isFile() && matches(path) && isFresh(posix.join(top, path), startedAt))
        found.push(path);
    }
  }
  return found.sort();
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    // It is not there, or may not be read: then there is no report in it.
    return [];
  }
}

function isFresh(path: string, startedAt: number): boolean {
  const { mtimeMs, size } = lstatSync(path);
  return mtimeMs >= startedAt - slackMs && size <= maxReportBytes;
}
