// One test as a report tells of it, whatever wrote the report.
export const testStates = ['passed', 'failed', 'skipped', 'error'] as const;
export type TestState = (typeof testStates)[number];

export interface ReportedTest {
  /** The file, class or group the test belongs to; may be empty. */
  suite: string;
  name: string;
  state: TestState;
  durationMs: number | undefined;
  /** Why it failed or was skipped, on one line or few. */
  message: string | undefined;
  /** What it said besides: the stack, the difference, its output. */
  output: string | undefined;
  /** As the runner names it; whether such a file exists is another question. */
  file: string | undefined;
  line: number | undefined;
  /** It failed first and passed when the runner tried it once more. */
  flaky: boolean;
}

export interface TestReport {
  tests: ReportedTest[];
  /** Why the report, or a part of it, could not be read; a sentence. */
  problem: string | undefined;
}

const maxMoreFailures = 1000;

/** Whether one more test is taken after `count` of them; what failed is taken when there is no room for others any more. */
export function hasRoom(count: number, maxTests: number, state: TestState): boolean {
  const isFailure = state === 'failed' || state === 'error';
  return count < (isFailure ? maxTests + maxMoreFailures : maxTests);
}
