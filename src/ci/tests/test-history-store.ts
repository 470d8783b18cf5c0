// The SQL that reads tests over time: the results of one attempt, of one test, and the tests of a repository.
import type { Db } from '../../db/open.ts';
import type { TestState } from '../../lib/reported-test.ts';
import type { TestLane } from './test-store.ts';

export interface KnownTest extends TestLane {
  id: number;
  suite: string;
  name: string;
  lastAttempt: number;
  lastState: TestState;
  lastMs: number | null;
  flakyAt: number | null;
}

const columns = `t.id, t.repo_id AS repoId, t.lane_key AS laneKey, t.suite, t.name, t.last_attempt AS lastAttempt,
                 t.last_state AS lastState, t.last_ms AS lastMs, t.flaky_at AS flakyAt`;

export const findTest = (
  db: Db,
  { repoId, laneKey, suite, name }: TestLane & { suite: string; name: string },
): KnownTest | undefined =>
  db.get<KnownTest>(
    `SELECT ${columns} FROM tests t
      WHERE t.repo_id = :repoId AND t.lane_key = :laneKey AND t.suite = :suite AND t.name = :name`,
    { repoId, laneKey, suite, name },
  );

/** Those of a name in any lane and suite: for an address that gives the name alone. */
export const listNamesakes = (
  db: Db,
  wanted: { repoId: number; laneKey: string | null; suite: string | null; name: string; limit: number },
): KnownTest[] =>
  db.all<KnownTest>(
    `SELECT ${columns} FROM tests t
      WHERE t.repo_id = :repoId AND t.name = :name AND (:laneKey IS NULL OR t.lane_key = :laneKey)
        AND (:suite IS NULL OR t.suite = :suite)
      ORDER BY t.lane_key, t.suite LIMIT :limit`,
    wanted,
  );

export const testShows = ['all', 'failing', 'flaky', 'slow'] as const;
export type TestShow = (typeof testShows)[number];

const shows: Record<TestShow, { where: string; order: string }> = {
  all: { where: 'true', order: 't.lane_key, t.suite, t.name' },
  failing: { where: `t.last_state IN ('failed', 'error')`, order: 't.last_attempt DESC, t.suite, t.name' },
  flaky: { where: 't.flaky_at > :flakySince', order: 't.flaky_at DESC, t.suite, t.name' },
  slow: { where: 't.last_ms IS NOT NULL', order: 't.last_ms DESC, t.suite, t.name' },
};

export interface TestQuery {
  repoId: number;
  laneKey: string | null;
  /** Stands anywhere in the suite or the name; empty: all. */
  text: string;
  show: TestShow;
  flakySince: number;
  limit: number;
  offset: number;
}

export function listTests(db: Db, query: TestQuery): KnownTest[] {
  const { show, flakySince, ...rest } = query;
  const { where, order } = shows[show];
  return db.all<KnownTest>(
    `SELECT ${columns} FROM tests t
      WHERE t.repo_id = :repoId AND (:laneKey IS NULL OR t.lane_key = :laneKey)
        AND (instr(lower(t.suite), lower(:text)) > 0 OR instr(lower(t.name), lower(:text)) > 0) AND ${where}
      ORDER BY ${order} LIMIT :limit OFFSET :offset`,
    show === 'flaky' ? { ...rest, flakySince } : rest,
  );
}

export const countTests = (db: Db, repoId: number, flakySince: number) =>
  db.get<{ all: number; failing: number; flaky: number }>(
    `SELECT count(*) AS "all", coalesce(sum(last_state IN ('failed', 'error')), 0) AS failing,
            coalesce(sum(flaky_at > :flakySince), 0) AS flaky
       FROM tests WHERE repo_id = :repoId`,
    { repoId, flakySince },
  ) ?? { all: 0, failing: 0, flaky: 0 };

export const listTestLanes = (db: Db, repoId: number): string[] =>
  db
    .all<{ key: string }>(
      'SELECT DISTINCT lane_key AS key FROM tests WHERE repo_id = :repoId ORDER BY lane_key',
      {
        repoId,
      },
    )
    .map(({ key }) => key);

export interface HistoryEntry {
  attemptId: number;
  attempt: number;
  state: TestState;
  durationMs: number | null;
  run: number;
  headOid: string;
  treeOid: string;
  branchId: number | null;
  branchNumber: number | null;
  branchName: string | null;
  at: number;
}

/** How a test ended, newest first; `before` is the attempt that the page before ended with. */
export const listHistory = (
  db: Db,
  question: { testId: number; before: number | null; limit: number },
): HistoryEntry[] =>
  db.all<HistoryEntry>(
    `SELECT h.attempt_id AS attemptId, a.number AS attempt, h.state, h.duration_ms AS durationMs, r.number AS run,
            r.head_oid AS headOid, r.tree_oid AS treeOid, b.id AS branchId, b.number AS branchNumber,
            b.name AS branchName, coalesce(a.finished_at, a.queued_at) AS at
       FROM test_history h JOIN lane_attempts a ON a.id = h.attempt_id JOIN lanes l ON l.id = a.lane_id
       JOIN runs r ON r.id = l.run_id LEFT JOIN branches b ON b.id = r.branch_id
      WHERE h.test_id = :testId AND (:before IS NULL OR h.attempt_id < :before)
      ORDER BY h.attempt_id DESC LIMIT :limit`,
    question,
  );

export interface AttemptTest {
  suite: string;
  name: string;
  state: TestState;
  durationMs: number | null;
  flakyAt: number | null;
}

/** All tests of an attempt: failing ones, then by duration, those that were left out last. */
export const listAttemptTests = (
  db: Db,
  question: { attemptId: number; limit: number; offset: number },
): AttemptTest[] =>
  db.all<AttemptTest>(
    `SELECT t.suite, t.name, h.state, h.duration_ms AS durationMs, t.flaky_at AS flakyAt
       FROM test_history h JOIN tests t ON t.id = h.test_id WHERE h.attempt_id = :attemptId
      ORDER BY CASE h.state WHEN 'passed' THEN 1 WHEN 'skipped' THEN 2 ELSE 0 END, h.duration_ms DESC, t.suite, t.name
      LIMIT :limit OFFSET :offset`,
    question,
  );

/** The tests of an attempt that did not fail this time and are known to be flaky. */
export const listFlaky = (
  db: Db,
  question: { attemptId: number; flakySince: number; limit: number },
): { suite: string; name: string; flakyAt: number }[] =>
  db.all<{ suite: string; name: string; flakyAt: number }>(
    `SELECT t.suite, t.name, t.flaky_at AS flakyAt FROM test_history h JOIN tests t ON t.id = h.test_id
      WHERE h.attempt_id = :attemptId AND h.state = 'passed' AND t.flaky_at > :flakySince
      ORDER BY t.flaky_at DESC, t.suite, t.name LIMIT :limit`,
    question,
  );

export interface TestDetail {
  suite: string;
  name: string;
  message: string | null;
  file: string | null;
  line: number | null;
}

/** What is known beyond its state of each test that did not just pass. */
export const listDetails = (db: Db, attemptId: number): TestDetail[] =>
  db.all<TestDetail>(
    'SELECT suite, name, message, file, line FROM test_results WHERE attempt_id = :attemptId ORDER BY position',
    { attemptId },
  );

/** Why a test failed in an attempt. */
export const findDetail = (
  db: Db,
  question: { attemptId: number; suite: string; name: string },
): TestDetail | undefined =>
  db.get<TestDetail>(
    `SELECT suite, name, message, file, line FROM test_results
      WHERE attempt_id = :attemptId AND suite = :suite AND name = :name ORDER BY position LIMIT 1`,
    question,
  );
