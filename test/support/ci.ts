// Branches and revisions for CI tests, as a push would have made them, without the transport.
import type { Branch } from '../../src/branches/model.ts';
import { getBranch } from '../../src/branches/find.ts';
import type { Forge } from '../../src/forge/open.ts';
import { findLane, runOf } from '../../src/ci/find.ts';
import type { AttemptState, Lane, Run } from '../../src/ci/model.ts';
import { hasEnded } from '../../src/ci/model.ts';
import { mergeBase } from '../../src/git/objects.ts';
import { findHead } from '../../src/git/refs.ts';
import type { Repo } from '../../src/repos/model.ts';
import { repoPath } from '../../src/repos/path.ts';
import { pushFiles, type Files } from './push-files.ts';

/** Commits `files` onto a branch (made from main) and records it as a new branch or its next revision. */
export async function pushBranch(
  forge: Forge,
  repo: Repo,
  push: { name: string; files: Files },
): Promise<Branch> {
  const path = repoPath(forge, repo.id);
  const { name: branch, files } = push;
  const target = await findHead(forge.git, path, 'main');
  const isNew = (await findHead(forge.git, path, branch)) === undefined;
  const from = isNew && target !== undefined ? { from: target } : {};
  const head = await pushFiles(forge.git, { repo: path, branch, files, ...from });
  const base = isNew || target === undefined ? target : await mergeBase(forge.git, path, target, head);
  return recordHead(forge, repo, { name: branch, head, base });
}

/** The rows of a push of `head`, whatever the refs say. */
export function recordHead(
  forge: Forge,
  repo: Repo,
  pushed: { name: string; head: string; base: string | undefined },
) {
  const now = forge.clock.now();
  const { name, head } = pushed;
  const known = forge.db.get<{ id: number; revision: number }>(
    `SELECT id, revision FROM branches WHERE repo_id = :repo AND name = :name AND state = 'open'`,
    { repo: repo.id, name },
  );
  const revision = (known?.revision ?? 0) + 1;
  const id =
    known?.id ??
    forge.db.run(
      `INSERT INTO branches (repo_id, number, name, target, title, state, head_oid, revision, created_at, updated_at)
       SELECT :repo, next_branch, :name, 'main', :name, 'open', :head, 1, :now, :now FROM repos WHERE id = :repo`,
      { repo: repo.id, name, head, now },
    ).lastId;
  if (known === undefined)
    forge.db.run('UPDATE repos SET next_branch = next_branch + 1 WHERE id = :id', { id: repo.id });
  else {
    forge.db.run(
      'UPDATE branches SET head_oid = :head, revision = :revision, updated_at = :now WHERE id = :id',
      {
        id,
        head,
        revision,
        now,
      },
    );
  }
  forge.db.run(
    `INSERT INTO revisions (branch_id, number, head_oid, base_oid, pushed_at) VALUES (:id, :revision, :head, :base, :now)`,
    { id, revision, head, base: pushed.base ?? null, now },
  );
  return getBranch(forge, id);
}

export function runOfBranch(forge: Forge, branch: Branch): Run {
  const run = runOf(forge, { branchId: branch.id, revision: branch.revision });
  if (run === undefined) throw new Error(`branch ${branch.name} has no run`);
  return run;
}

export function laneOf(forge: Forge, run: Run, key: string): Lane {
  const lane = findLane(forge, run.id, key);
  if (lane === undefined) throw new Error(`run ${run.number} has no lane ${key}`);
  return lane;
}

/** The lane as soon as it is in one of the states; listens to facts and looks at the table. */
export async function laneReaching(
  forge: Forge,
  wanted: { run: Run; key: string; states?: AttemptState[] },
): Promise<Lane> {
  const { run, key, states } = wanted;
  for (;;) {
    const lane = laneOf(forge, run, key);
    const { state } = lane.attempt;
    if (states === undefined ? hasEnded(state) : states.includes(state)) return lane;
    await forge.events.next('lane-changed', (change) => change.laneId === lane.id);
  }
}

/** Resolves with the first output of a lane after now. */
export const nextOutput = (forge: Forge, lane: Lane): Promise<unknown> =>
  forge.events.next('lane-output', (output) => output.laneId === lane.id);

export const manifest = (...lanes: string[]): Files => ({
  '.pika/lanes.toml': lanes.map((lane) => `[[lane]]\n${lane}\n`).join('\n'),
});
