// A run of its own without a manifest, for what only wants to know to whom it belongs.
import { getRun } from '../../src/ci/find.ts';
import type { Run } from '../../src/ci/model.ts';
import { getRepo } from '../../src/repos/find.ts';
import type { TestForge } from './forge.ts';
import { pushBranch } from './ci.ts';

let made = 0;

/** One of the same repository for every run of a forge. */
export async function createRun(it: TestForge, kind: Run['kind']): Promise<Run> {
  made += 1;
  const { db, clock } = it.forge;
  const known = db.get<{ id: number }>("SELECT id FROM repos WHERE name = 'runs'");
  const repoId = known?.id ?? (await it.repo('demo/runs', { files: { 'README.md': 'x' } })).id;
  const branchId =
    kind === 'branch'
      ? (await pushBranch(it.forge, getRepo(it.forge, repoId), { name: `work${made}`, files: { f: 'x' } })).id
      : null;
  const { lastId } = db.run(
    `INSERT INTO runs (repo_id, number, kind, branch_id, revision, head_oid, tree_oid, state, created_at)
     VALUES (:repoId, :number, :kind, :branchId, 1, :oid, :oid, 'running', :now)`,
    { repoId, number: made, kind, branchId, oid: '0'.repeat(40), now: clock.now() },
  );
  return getRun(it.forge, lastId);
}
