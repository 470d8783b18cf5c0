// A data directory with many repositories and branches in which everything was done long ago: every branch has its row, its
// pin, its run and its tutorial, so that a forge which starts on it has nothing to do.
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemCaller } from '../../src/accounts/system.ts';
import { scanRepo } from '../../src/branches/scan.ts';
import { readConfig } from '../../src/forge/config.ts';
import { openForge, type Forge } from '../../src/forge/open.ts';
import { createLog } from '../../src/lib/log.ts';
import { createRepo } from '../../src/repos/create-repo.ts';
import { repoPath } from '../../src/repos/path.ts';
import { makeRepo } from './made-repo.ts';

export interface ManyRepos {
  repos: number;
  branches: number;
}

/** Fills the data directory, which no forge serves meanwhile. */
export async function fillForge(data: string, wanted: ManyRepos): Promise<void> {
  const made = join(data, '..', 'made.git');
  await makeRepo(
    { name: 'one of many', commits: 60, files: 50, branches: wanted.branches / wanted.repos },
    made,
  );
  const settings = { logLevel: 'error', http: { port: 0 }, ssh: { port: 0 } };
  const config = readConfig(data, settings, { PATH: process.env['PATH'] });
  const forge = openForge(config, { log: createLog('error') });
  try {
    await forge.git.openSpawner();
    const caller = systemCaller(forge);
    for (let number = 1; number <= wanted.repos; number += 1) {
      const repo = await createRepo(forge, { owner: 'demo', name: `app-${number}`, caller });
      const folder = repoPath(forge, repo.id);
      for (const part of ['objects', 'packed-refs']) {
        cpSync(join(made, part), join(folder, part), { recursive: true });
      }
      await scanRepo(forge, repo, { pins: true });
    }
    finishEverything(forge);
  } finally {
    forge.git.closeSpawner();
    forge.db.close();
    rmSync(made, { recursive: true });
  }
}

function finishEverything({ db, clock }: Forge): void {
  const now = clock.now();
  db.run(
    `INSERT INTO runs (repo_id, number, kind, branch_id, revision, head_oid, tree_oid, base_oid, state, created_at, finished_at)
     SELECT b.repo_id, b.number, 'branch', b.id, b.revision, b.head_oid, b.head_oid, NULL, 'success', :now, :now
       FROM branches b`,
    { now },
  );
  db.run('UPDATE repos SET next_run = next_branch');
  db.run(
    `INSERT INTO tutorials (branch_id, revision, state, writer, body, created_at, finished_at)
     SELECT b.id, b.revision, 'ready', 'outline', '{"summary":"","steps":[]}', :now, :now FROM branches b`,
    { now },
  );
}
