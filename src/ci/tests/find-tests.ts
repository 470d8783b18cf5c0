// What may be asked about tests: those of an attempt, the history of one, and all of a repository.
import type { Forge } from '../../forge/open.ts';
import {
  countTests,
  findDetail,
  findTest,
  listAttemptTests,
  listDetails,
  listFlaky,
  listHistory,
  listTests,
  type HistoryEntry,
  type KnownTest,
  type TestDetail,
  type TestShow,
} from './test-history-store.ts';
import { findTotals, listFailures, type TestLane, type TestResult, type TestTotals } from './test-store.ts';

const day = 24 * 60 * 60 * 1000;

/** What the reports of an attempt told in total; undefined when it has none. */
export const totalsOf = (forge: Forge, attemptId: number): TestTotals | undefined =>
  findTotals(forge.db, attemptId);

/** The tests that failed in an attempt, in the order of its reports. */
export const failuresOf = (forge: Forge, attemptId: number, limit: number): TestResult[] =>
  listFailures(forge.db, attemptId, limit).map((test) => ({ ...test, flakyAt: lately(forge, test.flakyAt) }));

export interface AttemptResult extends Omit<TestDetail, 'suite' | 'name'> {
  suite: string;
  name: string;
  state: KnownTest['lastState'];
  durationMs: number | null;
  flakyAt: number | null;
}

/** All tests of an attempt, failing ones first, then the slowest; empty when its single results are not kept any more. */
export function resultsOf(
  forge: Forge,
  question: { attemptId: number; limit: number; offset: number },
): AttemptResult[] {
  const details = new Map<string, TestDetail>();
  for (const detail of listDetails(forge.db, question.attemptId)) {
    const key = `${detail.suite}\0${detail.name}`;
    if (!details.has(key)) details.set(key, detail);
  }
  return listAttemptTests(forge.db, question).map((test) => {
    const detail = test.state === 'passed' ? undefined : details.get(`${test.suite}\0${test.name}`);
    const { message = null, file = null, line = null } = detail ?? {};
    return { ...test, flakyAt: lately(forge, test.flakyAt), message, file, line };
  });
}

/** What passed in an attempt although it is known to fail now and then. */
export const flakyOf = (forge: Forge, attemptId: number, limit: number) =>
  listFlaky(forge.db, { attemptId, flakySince: flakySince(forge), limit });

export interface History {
  test: KnownTest;
  entries: HistoryEntry[];
  /** The attempt to go on before; undefined at the end. */
  next: number | undefined;
}

/** How a test ended, newest first; undefined for a test that no kept attempt has. */
export function historyOf(
  forge: Forge,
  wanted: TestLane & { suite: string; name: string },
  page: { before?: number | undefined; limit: number },
): History | undefined {
  const test = findTest(forge.db, wanted);
  if (test === undefined) return undefined;
  const { before = null, limit } = page;
  const entries = listHistory(forge.db, { testId: test.id, before, limit: limit + 1 });
  const next = entries.length > limit ? entries[limit - 1]?.attemptId : undefined;
  return {
    test: { ...test, flakyAt: lately(forge, test.flakyAt) },
    entries: entries.slice(0, limit),
    next,
  };
}

/** Why a test failed in one attempt of its history. */
export const reasonOfFailure = (forge: Forge, test: KnownTest, attemptId: number): TestDetail | undefined =>
  findDetail(forge.db, { attemptId, suite: test.suite, name: test.name });

export interface TestSearch {
  repoId: number;
  laneKey: string | null;
  text: string;
  show: TestShow;
  limit: number;
  offset: number;
}

export const searchTests = (forge: Forge, search: TestSearch): KnownTest[] =>
  listTests(forge.db, { ...search, flakySince: flakySince(forge) }).map((test) => ({
    ...test,
    flakyAt: lately(forge, test.flakyAt),
  }));

export const countsOf = (forge: Forge, repoId: number) => countTests(forge.db, repoId, flakySince(forge));

const flakySince = (forge: Forge): number => forge.clock.now() - forge.config.ci.flakyDays * day;

/** A test that has been steady for long is called flaky no more. */
const lately = (forge: Forge, at: number | null): number | null =>
  at !== null && at > flakySince(forge) ? at : null;
