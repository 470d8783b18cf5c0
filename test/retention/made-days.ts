// Days in the life of a repository, for what piles up in them: real branches and pins, and runs as lanes leave them behind.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { settleBranch } from '../../src/branches/settle.ts';
import type { Branch } from '../../src/branches/model.ts';
import { logFolder } from '../../src/ci/lanes/launch.ts';
import { updateRefs, zeroOid } from '../../src/git/refs.ts';
import type { Repo } from '../../src/repos/model.ts';
import { repoPath } from '../../src/repos/path.ts';
import type { TestForge } from '../support/forge.ts';

export const dayMs = 24 * 60 * 60 * 1000;

export interface MadeRun {
  id: number;
  number: number;
  attemptId: number;
  folder: string;
}

export interface RunWish {
  kind?: 'branch' | 'landing' | 'nightly';
  branch?: Branch | undefined;
  head?: string;
  tree?: string;
  nightly?: string;
  logBytes?: number;
  artifactBytes?: number;
}

/** A run with one lane that has ended now, with a log and an artifact on the disk. */
export function makeRun(it: TestForge, repo: Repo, wish: RunWish = {}): MadeRun {
  const { db, clock } = it.forge;
  const { kind = 'branch', branch, logBytes = 100, artifactBytes = 50 } = wish;
  const now = clock.now();
  const number =
    db.get<{ taken: number }>(
      'UPDATE repos SET next_run = next_run + 1 WHERE id = :id RETURNING next_run - 1 AS taken',
      { id: repo.id },
    )?.taken ?? 0;
  const head = wish.head ?? branch?.headOid ?? String(number).padStart(40, 'a');
  const id = db.run(
    `INSERT INTO runs (repo_id, number, kind, branch_id, revision, head_oid, tree_oid, state, created_at, finished_at,
                       nightly, due_at)
     VALUES (:repoId, :number, :kind, :branchId, :revision, :head, :tree, 'success', :now, :now, :nightly, :dueAt)`,
    {
      repoId: repo.id,
      number,
      kind,
      branchId: branch?.id ?? null,
      revision: branch?.revision ?? null,
      head,
      tree: wish.tree ?? String(number).padStart(40, 'b'),
      now,
      nightly: wish.nightly ?? null,
      dueAt: wish.nightly === undefined ? null : now,
    },
  ).lastId;
  const laneId = db.run(
    `INSERT INTO lanes (run_id, position, key, title, command, env, needs, required, timeout_seconds, idle_seconds)
     VALUES (:id, 0, 'unit', 'Unit', '"true"', '{}', '[]', 1, 60, 60)`,
    { id },
  ).lastId;
  const attemptId = db.run(
    `INSERT INTO lane_attempts (lane_id, number, state, token, queued_at, started_at, finished_at, log_bytes)
     VALUES (:laneId, 1, 'success', 1, :now, :now, :now, :logBytes)`,
    { laneId, now, logBytes },
  ).lastId;
  const folder = logFolder(it.forge, { attemptId, token: 1 });
  mkdirSync(join(folder, 'artifacts'), { recursive: true });
  writeFileSync(join(folder, 'log'), 'x'.repeat(logBytes));
  writeFileSync(join(folder, 'artifacts', 'a'.repeat(64)), 'y'.repeat(artifactBytes));
  db.run(
    "INSERT INTO artifacts (attempt_id, path, bytes, sha256) VALUES (:attemptId, 'f.txt', :bytes, :sha256)",
    { attemptId, bytes: artifactBytes, sha256: 'a'.repeat(64) },
  );
  return { id, number, attemptId, folder };
}

/** Merged or closed, and its ref is gone. */
export async function settle(it: TestForge, branch: Branch, state: 'merged' | 'closed'): Promise<void> {
  settleBranch(it.forge, { branchId: branch.id, state });
  await updateRefs(it.forge.git, repoPath(it.forge, branch.repoId), [
    { ref: `refs/heads/${branch.name}`, newOid: zeroOid },
  ]);
}

/** Somebody says something about a revision. */
export function commentOn(it: TestForge, branch: Branch, revision: number): void {
  it.forge.db.run(
    `INSERT INTO review_threads (branch_id, kind, path, side, first_line, last_line, revision, created_at)
     VALUES (:id, 'line', 'f', 'new', 1, 1, :revision, :now)`,
    { id: branch.id, revision, now: it.forge.clock.now() },
  );
}
