// Rows of runs and lanes in any number, written straight into the tables: what the scheduler finds after years.
import type { TestForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';

export interface MadeLanes {
  /** Lanes that have ended, evenly spread at a thousand per day up to now. */
  ended: number;
  /** Lanes that wait, ten to a run, asked for by landings of one branch. */
  queued: number;
}

/** The tables are to be empty; answers the repository's id. */
export async function makeLanes(test: TestForge, { ended, queued }: MadeLanes): Promise<number> {
  const { forge } = test;
  const repo = await test.repo('demo/app', { files: { 'README.md': '# App\n' } });
  const change = { repo: test.repoFolder(repo), branch: 'topic', files: { a: 'a\n' } };
  const head = await pushFiles(forge.git, change);
  const now = forge.clock.now();
  const total = ended + queued;
  forge.db.exec(`
    BEGIN;
    INSERT INTO branches (repo_id, number, name, target, title, state, head_oid, revision, created_at, updated_at)
      VALUES (${repo.id}, 1, 'topic', 'main', 'Topic', 'open', '${head}', 1, ${now}, ${now});
    INSERT INTO revisions (branch_id, number, head_oid, pushed_at) VALUES (1, 1, '${head}', ${now});
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${Math.ceil(total / 10)})
    INSERT INTO runs (repo_id, number, kind, branch_id, revision, head_oid, tree_oid, state, created_at, finished_at)
      SELECT ${repo.id}, i, CASE i WHEN 1 THEN 'branch' ELSE 'landing' END, 1, 1, '${head}', '${head}',
             CASE WHEN i <= ${ended / 10} THEN 'success' ELSE 'queued' END, ${now} - 1000000 + i,
             CASE WHEN i <= ${ended / 10} THEN ${now} END FROM n;
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${total - 1})
    INSERT INTO lanes (run_id, position, key, title, command, env, needs, required, timeout_seconds, idle_seconds)
      SELECT i / 10 + 1, i % 10, 'lane-' || (i % 10), 'Lane', '"sleep 600"', '{}', '[]', 1, 1800, 600 FROM n;
    INSERT INTO lane_attempts (lane_id, number, state, queued_at, started_at, finished_at, exit_code)
      SELECT id, 1, 'success', ${now} - 86400 * (${ended} - id) - 3000, ${now} - 86400 * (${ended} - id) - 2000,
             ${now} - 86400 * (${ended} - id) - 1000, 0 FROM lanes WHERE id <= ${ended};
    INSERT INTO lane_attempts (lane_id, number, state, reason, reason_since, queued_at)
      SELECT id, 1, 'queued', 'ready', ${now}, ${now} FROM lanes WHERE id > ${ended};
    UPDATE repos SET next_branch = 2, next_run = 10000000;
    COMMIT;`);
  return repo.id;
}
