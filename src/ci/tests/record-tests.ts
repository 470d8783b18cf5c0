// Keeps what the reports of an attempt told, as part of the transaction that ends it: the totals, what failed with its
// output, and a line in the history of every test. Tells flaky tests by results that contradict each other.
import type { Forge } from '../../forge/open.ts';
import type { TestState } from '../../lib/reported-test.ts';
import type { LaneRef } from '../lanes/executor.ts';
import type { LocatedTest, ReportedTests } from './reported-tests.ts';
import {
  findTestOrigin,
  forgetOldHistory,
  insertHistory,
  insertResult,
  insertTotals,
  markFlaky,
  markOneFlaky,
  type Outcome,
} from './test-store.ts';

/** Failing tests whose output is kept, and as many that were left out or tried again. */
const maxDetails = 1000;
/** Attempts with the same files that a new one is held against. */
const maxCompared = 20;

/**
 * Inside the transaction that ended the attempt; whoever lost the claim does not come here. What cannot be kept is let
 * go: the verdict of a lane must not depend on what its reports say.
 */
export function recordTests(forge: Forge, lane: Pick<LaneRef, 'attemptId'>, told: ReportedTests): void {
  try {
    forge.db.transaction(() => record(forge, lane, told));
  } catch (error) {
    forge.log.error({ err: error, attemptId: lane.attemptId }, 'the test results of a lane were lost');
  }
}

function record(forge: Forge, { attemptId }: Pick<LaneRef, 'attemptId'>, told: ReportedTests): void {
  const origin = findTestOrigin(forge.db, attemptId);
  if (origin === undefined) return;
  const count = (state: TestState) => told.tests.filter((test) => test.state === state).length;
  // What a cancelled lane left half done says nothing about its tests.
  const isKept = origin.state !== 'cancelled' && told.tests.length > 0;
  insertTotals(forge.db, origin, {
    attemptId,
    passed: count('passed'),
    failed: count('failed'),
    errors: count('error'),
    skipped: count('skipped'),
    reports: told.reports,
    isKept,
  });
  insertDetails(forge, attemptId, told.tests);
  if (!isKept) return;
  const lane = { ...origin, attemptId };
  const now = forge.clock.now();
  insertHistory(forge.db, lane, outcomesOf(told.tests));
  markFlaky(forge.db, lane, { now, maxAttempts: maxCompared });
  for (const { suite, name } of told.tests.filter((test) => test.flaky).slice(0, maxDetails)) {
    markOneFlaky(forge.db, origin, { suite, name, now });
  }
  forgetOldHistory(forge.db, origin, forge.config.ci.maxTestHistory);
}

function insertDetails(forge: Forge, attemptId: number, tests: readonly LocatedTest[]): void {
  const left = { failing: maxDetails, others: maxDetails };
  for (const [position, test] of tests.entries()) {
    const kind = isFailure(test.state) ? 'failing' : 'others';
    const isTold = kind === 'failing' || test.flaky || test.message !== undefined;
    if (!isTold || left[kind] === 0) continue;
    left[kind] -= 1;
    insertResult(forge.db, { attemptId, position }, test);
  }
}

const isFailure = (state: TestState): boolean => state === 'failed' || state === 'error';

const badness: Record<TestState, number> = { failed: 3, error: 2, passed: 1, skipped: 0 };

/** Tests of the same name are one in the history, and it ended as the worst of them. */
function outcomesOf(tests: readonly LocatedTest[]): Outcome[] {
  const outcomes = new Map<string, Outcome>();
  for (const { suite, name, state, durationMs } of tests) {
    const key = `${suite}\0${name}`;
    const known = outcomes.get(key);
    if (known === undefined) outcomes.set(key, { suite, name, state, durationMs });
    else {
      if (badness[state] > badness[known.state]) known.state = state;
      if (durationMs !== undefined) known.durationMs = (known.durationMs ?? 0) + durationMs;
    }
  }
  return [...outcomes.values()];
}
