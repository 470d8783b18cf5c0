// One pass of the scheduler when the tables are full of ended lanes and the queue is long.
import { openCi } from '../../src/ci/open.ts';
import { openTestForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';
import { inMs, quantile, timedEach, type Figure } from './measure.ts';

const oldLanes = 100_000;
const queuedLanes = 1000;
const passes = 300;

export async function measureScheduler(): Promise<Figure[]> {
  const test = await openTestForge();
  const { forge } = test;
  try {
    const repo = await test.repo('demo/app', { files: { 'README.md': '# App\n' } });
    const head = await pushFiles(forge.git, {
      repo: test.repoFolder(repo),
      branch: 'topic',
      files: { a: 'a\n' },
    });
    forge.db.exec(fillTables(repo.id, head, forge.clock.now()));
    const ci = await openCi(forge);
    test.defer(() => ci.stop());
    // The first pass fills the places and gives every other lane its reason; the ones after it find all as it was.
    const [first = 0] = await timedEach(1, () => ci.scheduler.pass());
    const durations = await timedEach(passes, () => ci.scheduler.pass());
    const how = `${oldLanes.toLocaleString('en')} ended and ${queuedLanes.toLocaleString('en')} queued lanes, every place taken; a thousand lanes ended per day`;
    return [
      { what: 'scheduler pass', value: inMs(quantile(durations, 0.5)), how: `${how}; ${passes} passes` },
      { what: 'scheduler pass, p99', value: inMs(quantile(durations, 0.99)), how },
      { what: 'scheduler pass, the first one', value: inMs(first), how },
    ];
  } finally {
    await test.dispose();
  }
}

/**
 * The ended lanes lie evenly over the last hundred days. The two oldest queued ones take every place for the whole
 * benchmark, so a pass after the first examines the whole queue and starts nothing.
 */
const fillTables = (repoId: number, head: string, now: number): string => `
  BEGIN;
  INSERT INTO branches (repo_id, number, name, target, title, state, head_oid, revision, created_at, updated_at)
    VALUES (${repoId}, 1, 'topic', 'main', 'Topic', 'open', '${head}', 1, ${now}, ${now});
  INSERT INTO revisions (branch_id, number, head_oid, pushed_at) VALUES (1, 1, '${head}', ${now});
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${(oldLanes + queuedLanes) / 10})
  INSERT INTO runs (repo_id, number, kind, branch_id, revision, head_oid, tree_oid, state, created_at, finished_at)
    SELECT ${repoId}, i, CASE i WHEN 1 THEN 'branch' ELSE 'landing' END, 1, 1, '${head}', '${head}',
           CASE WHEN i <= ${oldLanes / 10} THEN 'success' ELSE 'queued' END, ${now} - 1000000 + i,
           CASE WHEN i <= ${oldLanes / 10} THEN ${now} END FROM n;
  WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${oldLanes + queuedLanes - 1})
  INSERT INTO lanes (run_id, position, key, title, command, env, needs, required, timeout_seconds, idle_seconds)
    SELECT i / 10 + 1, i % 10, 'lane-' || (i % 10), 'Lane', '"sleep 600"', '{}', '[]', 1, 1800, 600 FROM n;
  INSERT INTO lane_attempts (lane_id, number, state, queued_at, started_at, finished_at, exit_code)
    SELECT id, 1, 'success', ${now} - 86400 * (${oldLanes} - id) - 3000, ${now} - 86400 * (${oldLanes} - id) - 2000,
           ${now} - 86400 * (${oldLanes} - id) - 1000, 0 FROM lanes WHERE id <= ${oldLanes};
  INSERT INTO lane_attempts (lane_id, number, state, reason, reason_since, queued_at)
    SELECT id, 1, 'queued', 'ready', ${now}, ${now} FROM lanes WHERE id > ${oldLanes};
  UPDATE repos SET next_branch = 2, next_run = 1000000;
  COMMIT;`;
