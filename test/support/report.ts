// Prints the closing line of a test run from vitest's JSON report, e.g. `312 passed, 0 failed`, and
// ends with 0 only when tests ran, none failed, and nothing of them is left behind.
// Usage: node test/support/report.ts REPORT.json VITEST_STATUS, with TMPDIR as the tests had it.
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { z } from 'zod';
import { findLeftovers } from './leftovers.ts';

const reportShape = z.object({
  testResults: z.array(
    z.object({
      status: z.string(),
      assertionResults: z.array(z.object({ status: z.string() })),
    }),
  ),
});

export interface Totals {
  passed: number;
  failed: number;
  skipped: number;
}

/** Counts tests; a file that failed without a failed test (it could not be loaded) counts as one failure. */
export function countTests(report: unknown): Totals {
  const totals: Totals = { passed: 0, failed: 0, skipped: 0 };
  for (const file of reportShape.parse(report).testResults) {
    const states = file.assertionResults.map((result) => result.status);
    const failed = states.filter((state) => state === 'failed').length;
    const passed = states.filter((state) => state === 'passed').length;
    totals.passed += passed;
    totals.failed += file.status === 'failed' && failed === 0 ? 1 : failed;
    totals.skipped += states.length - failed - passed;
  }
  return totals;
}

/** The closing line; `skipped` is left out when nothing was. */
export function closingLine({ passed, failed, skipped }: Totals): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

/** What is kept in TMPDIR for the next start of a program or a test; the whole folder is removed afterwards. */
const expectedNames = /^(?:node-compile-cache|v8-compile-cache.*|pika-fresh-.*\.db)$/;

async function main(reportPath: string, vitestStatus: number): Promise<number> {
  const totals = readTotals(reportPath);
  const processes = await findLeftovers(tmpdir());
  for (const found of processes) {
    console.log(`Left behind: process ${found}`);
    process.kill(Number.parseInt(found, 10), 'SIGKILL');
  }
  const files = readdirSync(tmpdir()).filter((name) => !expectedNames.test(name));
  for (const name of files) console.log(`Left behind: ${name} in the temporary folder`);
  if (totals.failed === 0 && processes.length + files.length > 0) totals.failed += 1;
  if (totals.failed === 0 && vitestStatus !== 0) {
    console.log(`vitest ended with ${vitestStatus}: an error outside any test`);
    totals.failed += 1;
  }
  if (totals.passed + totals.failed === 0) console.log('No test ran.');
  console.log(closingLine(totals));
  return totals.failed === 0 && totals.passed > 0 ? 0 : 1;
}

function readTotals(path: string): Totals {
  try {
    return countTests(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    console.log('There is no test report: the tests did not come to their end.');
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

if (import.meta.main) {
  process.exitCode = await main(process.argv[2] ?? '', Number(process.argv[3]));
}
