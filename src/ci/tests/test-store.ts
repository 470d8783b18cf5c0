// The SQL of tests: what the reports of attempts told, and the history of each test.
import type { Db } from '../../db/open.ts';
import type { TestState } from '../../lib/reported-test.ts';
import type { LocatedTest, ReportFinding } from './reported-tests.ts';

export interface TestLane {
  repoId: number;
  laneKey: string;
}

export interface TestTotals {
  passed: number;
  failed: number;
  errors: number;
  skipped: number;
  reports: ReportFinding[];
  /** Whether the results of single tests are still there. */
  isKept: boolean;
}

export interface TestOrigin extends TestLane {
  treeOid: string;
  state: string;
}

/** Where an attempt belongs, and how it ended. */
export const findTestOrigin = (db: Db, attemptId: number): TestOrigin | undefined =>
  db.get<TestOrigin>(
    `SELECT r.repo_id AS repoId, l.key AS laneKey, r.tree_oid AS treeOid, a.state
       FROM lane_attempts a JOIN lanes l ON l.id = a.lane_id JOIN runs r ON r.id = l.run_id WHERE a.id = :attemptId`,
    { attemptId },
  );

export function insertTotals(db: Db, origin: TestOrigin, totals: TestTotals & { attemptId: number }): void {
  const { repoId, laneKey, treeOid } = origin;
  db.run(
    `INSERT INTO test_totals (attempt_id, repo_id, lane_key, tree_oid, passed, failed, errors, skipped, reports, is_kept)
     VALUES (:attemptId, :repoId, :laneKey, :treeOid, :passed, :failed, :errors, :skipped, :reports, :isKept)`,
    {
      repoId,
      laneKey,
      treeOid,
      ...totals,
      reports: JSON.stringify(totals.reports),
      isKept: totals.isKept ? 1 : 0,
    },
  );
}

export function insertResult(db: Db, at: { attemptId: number; position: number }, test: LocatedTest): void {
  db.run(
    `INSERT INTO test_results (attempt_id, position, suite, name, state, duration_ms, message, output, file, line)
     VALUES (:attemptId, :position, :suite, :name, :state, :duration, :message, :output, :file, :line)`,
    {
      ...at,
      suite: test.suite,
      name: test.name,
      state: test.state,
      duration: test.durationMs ?? null,
      message: test.message ?? null,
      output: test.output ?? null,
      file: test.file ?? null,
      line: test.line ?? null,
    },
  );
}

export interface Outcome {
  suite: string;
  name: string;
  state: TestState;
  durationMs: number | undefined;
}

/**
 * Two statements for all of them: thousands of calls would hold up the pages. Each test stands in `outcomes` once. A
 * CROSS JOIN goes from its left side to its right one, where SQLite would try every test for every row.
 */
export function insertHistory(
  db: Db,
  lane: TestLane & { attemptId: number },
  outcomes: readonly Outcome[],
): void {
  const rows = outcomes.map(({ suite, name, state, durationMs }) => [suite, name, state, durationMs ?? null]);
  const { repoId, laneKey, attemptId } = lane;
  const parameters = { repoId, laneKey, attemptId, rows: JSON.stringify(rows) };
  db.run(
    `INSERT INTO tests (repo_id, lane_key, suite, name, last_attempt, last_state, last_ms)
     SELECT :repoId, :laneKey, value ->> 0, value ->> 1, :attemptId, value ->> 2, value ->> 3 FROM json_each(:rows) WHERE true
     ON CONFLICT DO UPDATE SET last_attempt = excluded.last_attempt, last_state = excluded.last_state,
                               last_ms = excluded.last_ms
      WHERE excluded.last_attempt > tests.last_attempt`,
    parameters,
  );
  db.run(
    `INSERT OR IGNORE INTO test_history (test_id, attempt_id, state, duration_ms)
     SELECT t.id, :attemptId, value ->> 2, value ->> 3 FROM json_each(:rows)
       CROSS JOIN tests t ON t.repo_id = :repoId AND t.lane_key = :laneKey AND t.suite = value ->> 0 AND t.name = value ->> 1`,
    parameters,
  );
}

/** The tests that passed here and failed in another attempt with the same files, or the other way round. */
export function markFlaky(
  db: Db,
  origin: TestOrigin & { attemptId: number },
  at: { now: number; maxAttempts: number },
): void {
  const { repoId, laneKey, treeOid, attemptId } = origin;
  db.run(
    `UPDATE tests SET flaky_at = :now WHERE id IN (
       SELECT h.test_id FROM (
           SELECT attempt_id FROM test_totals
            WHERE repo_id = :repoId AND lane_key = :laneKey AND tree_oid = :treeOid AND attempt_id <> :attemptId
            ORDER BY attempt_id DESC LIMIT :maxAttempts) other
         CROSS JOIN test_history o ON o.attempt_id = other.attempt_id AND o.state <> 'skipped'
         CROSS JOIN test_history h ON h.test_id = o.test_id AND h.attempt_id = :attemptId AND h.state <> 'skipped'
        WHERE (h.state = 'passed') <> (o.state = 'passed'))`,
    { repoId, laneKey, treeOid, attemptId, ...at },
  );
}

/** A test whose runner tried it again by itself, until it passed. */
export function markOneFlaky(
  db: Db,
  lane: TestLane,
  test: { suite: string; name: string; now: number },
): void {
  db.run(
    `UPDATE tests SET flaky_at = :now
      WHERE repo_id = :repoId AND lane_key = :laneKey AND suite = :suite AND name = :name`,
    { repoId: lane.repoId, laneKey: lane.laneKey, ...test },
  );
}

/** Lets go of the single results of all but the newest attempts of a lane, and of tests that none of these has. */
export function forgetOldHistory(db: Db, { repoId, laneKey }: TestLane, maxAttempts: number): void {
  const oldest = db.get<{ id: number }>(
    `SELECT attempt_id AS id FROM test_totals WHERE repo_id = :repoId AND lane_key = :laneKey AND is_kept = 1
      ORDER BY attempt_id DESC LIMIT 1 OFFSET :maxAttempts`,
    { repoId, laneKey, maxAttempts },
  );
  if (oldest === undefined) return;
  const until = { repoId, laneKey, last: oldest.id };
  db.run(
    `DELETE FROM test_history WHERE attempt_id IN (
       SELECT attempt_id FROM test_totals
        WHERE repo_id = :repoId AND lane_key = :laneKey AND is_kept = 1 AND attempt_id <= :last)`,
    until,
  );
  db.run(
    `UPDATE test_totals SET is_kept = 0
      WHERE repo_id = :repoId AND lane_key = :laneKey AND is_kept = 1 AND attempt_id <= :last`,
    until,
  );
  db.run(
    'DELETE FROM tests WHERE repo_id = :repoId AND lane_key = :laneKey AND last_attempt <= :last',
    until,
  );
}

interface TotalsRow extends Omit<TestTotals, 'reports' | 'isKept'> {
  reports: string;
  isKept: number;
}

export function findTotals(db: Db, attemptId: number): TestTotals | undefined {
  const row = db.get<TotalsRow>(
    `SELECT passed, failed, errors, skipped, reports, is_kept AS isKept FROM test_totals WHERE attempt_id = :attemptId`,
    { attemptId },
  );
  return row && { ...row, isKept: row.isKept === 1, reports: JSON.parse(row.reports) as ReportFinding[] };
}

/** A result as people see it; `flakyAt` is that of the test, whichever attempt showed it. */
export interface TestResult {
  suite: string;
  name: string;
  state: TestState;
  durationMs: number | null;
  message: string | null;
  output: string | null;
  file: string | null;
  line: number | null;
  flakyAt: number | null;
}

/** What failed, or passed only when it was tried again, in the order of the reports. */
export const listFailures = (db: Db, attemptId: number, limit: number): TestResult[] =>
  db.all<TestResult>(
    `SELECT f.suite, f.name, f.state, f.duration_ms AS durationMs, f.message, f.output, f.file, f.line,
            t.flaky_at AS flakyAt
       FROM test_results f JOIN lane_attempts a ON a.id = f.attempt_id JOIN lanes l ON l.id = a.lane_id
       JOIN runs r ON r.id = l.run_id
       LEFT JOIN tests t ON t.repo_id = r.repo_id AND t.lane_key = l.key AND t.suite = f.suite AND t.name = f.name
      WHERE f.attempt_id = :attemptId AND f.state IN ('failed', 'error') ORDER BY f.position LIMIT :limit`,
    { attemptId, limit },
  );
