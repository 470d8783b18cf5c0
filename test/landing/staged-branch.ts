// A branch under review as a push and CI leave it behind: refs, pin, rows, and one required lane in a
// state of choice.
import type { Account, Caller } from '../../src/accounts/model.ts';
import { getBranch } from '../../src/branches/find.ts';
import { pinRef, type Branch } from '../../src/branches/model.ts';
import type { Forge } from '../../src/forge/open.ts';
import { Slots } from '../../src/lib/slot.ts';
import type { MergeMethod, Repo } from '../../src/repos/model.ts';
import { getRepo } from '../../src/repos/find.ts';
import type { TestForge } from '../support/forge.ts';
import { pushFiles, type Files } from '../support/push-files.ts';

export interface StagedRepo {
  forge: Forge;
  repo: Repo;
  /** The bare repository's folder. */
  folder: string;
  account: Account;
  caller: Caller;
  slots: Slots;
  tip: (ref: string) => Promise<string | undefined>;
  text: (...args: string[]) => Promise<string>;
}

export async function stageRepo(test: TestForge, method: MergeMethod = 'merge'): Promise<StagedRepo> {
  const { forge } = test;
  const { account, caller } = test.account('ada');
  const made = await test.repo('ada/app', { files: { 'a.txt': 'one\n', 'b.txt': 'two\n' } });
  forge.db.run('UPDATE repos SET merge_method = :method WHERE id = :id', { method, id: made.id });
  const folder = test.repoFolder(made);
  return {
    forge,
    repo: getRepo(forge, made.id),
    folder,
    account,
    caller,
    slots: new Slots(),
    tip: async (ref) => {
      const lines = await forge.git.text(['for-each-ref', '--format=%(objectname) %(refname)'], {
        repo: folder,
      });
      return lines
        .split('\n')
        .find((line) => line.endsWith(` ${ref}`))
        ?.split(' ')[0];
    },
    text: (...args) => forge.git.text(args, { repo: folder }),
  };
}

export interface StageOptions {
  name?: string;
  files?: Files;
  /** The commit it starts from; without it the target. */
  from?: string;
  /** The required lane `unit`; `none` leaves the run out. */
  lane?: 'success' | 'failed' | 'running' | 'queued' | 'none';
  message?: string;
  author?: string;
}

/** Pushes a branch and makes the rows that ingest and CI would. */
export async function stageBranch(staged: StagedRepo, options: StageOptions = {}): Promise<Branch> {
  const { forge, repo, folder } = staged;
  const name = options.name ?? 'work';
  const from = options.from ?? (await staged.tip('refs/heads/main'));
  const head = await pushFiles(forge.git, {
    repo: folder,
    branch: name,
    files: options.files ?? { [`${name.replaceAll('/', '-')}.txt`]: 'work\n' },
    ...(from === undefined ? {} : { from }),
    ...(options.message === undefined ? {} : { message: options.message }),
    ...(options.author === undefined ? {} : { author: options.author }),
  });
  const row = forge.db.get<{ number: number }>(
    'UPDATE repos SET next_branch = next_branch + 1 WHERE id = :id RETURNING next_branch - 1 AS number',
    { id: repo.id },
  );
  const number = row!.number;
  const now = forge.clock.now();
  const { lastId } = forge.db.run(
    `INSERT INTO branches (repo_id, number, name, target, title, author_id, state, head_oid, revision, created_at, updated_at)
     VALUES (:repoId, :number, :name, 'main', 'Do the work', :author, 'open', :head, 0, :now, :now)`,
    { repoId: repo.id, number, name, author: staged.account.id, head, now },
  );
  const branch = getBranch(forge, lastId);
  await addRevision(staged, branch, { head, lane: options.lane ?? 'success' });
  return getBranch(forge, lastId);
}

/** One more pushed head of the branch, with its pin and its run. */
export async function addRevision(
  { forge, repo, folder }: StagedRepo,
  branch: Branch,
  push: { head: string; lane: NonNullable<StageOptions['lane']> },
): Promise<void> {
  const number = getBranch(forge, branch.id).revision + 1;
  const now = forge.clock.now();
  await forge.git.run(['update-ref', pinRef(branch.number, number), push.head], { repo: folder });
  forge.db.run(
    'INSERT INTO revisions (branch_id, number, head_oid, pushed_at) VALUES (:id, :number, :head, :now)',
    { id: branch.id, number, head: push.head, now },
  );
  forge.db.run('UPDATE branches SET head_oid = :head, revision = :number WHERE id = :id', {
    id: branch.id,
    number,
    head: push.head,
  });
  if (push.lane !== 'none') await addRun(forge, { repo, folder, branch, revision: number, ...push });
}

interface RunToAdd {
  repo: Repo;
  folder: string;
  branch: Branch;
  revision: number;
  head: string;
  lane: string;
}

async function addRun(forge: Forge, run: RunToAdd): Promise<void> {
  const tree = await forge.git.text(['rev-parse', `${run.head}^{tree}`], { repo: run.folder });
  const now = forge.clock.now();
  const state = run.lane;
  const { lastId: runId } = forge.db.run(
    `INSERT INTO runs (repo_id, number, kind, branch_id, revision, head_oid, tree_oid, state, created_at)
     VALUES (:repoId, (SELECT count(*) + 1 FROM runs), 'branch', :branchId, :revision, :head, :tree, :state, :now)`,
    {
      repoId: run.repo.id,
      branchId: run.branch.id,
      revision: run.revision,
      head: run.head,
      tree,
      state,
      now,
    },
  );
  const { lastId: laneId } = forge.db.run(
    `INSERT INTO lanes (run_id, position, key, title, command, env, needs, required, timeout_seconds, idle_seconds)
     VALUES (:runId, 0, 'unit', 'Unit tests', '"true"', '{}', '[]', 1, 60, 60)`,
    { runId },
  );
  const hasEnded = state === 'success' || state === 'failed';
  forge.db.run(
    `INSERT INTO lane_attempts (lane_id, number, state, reason, queued_at, started_at, finished_at, exit_code, failure_kind)
     VALUES (:laneId, 1, :state, :reason, :now, :started, :finished, :exitCode, :kind)`,
    {
      laneId,
      state,
      reason: state === 'queued' ? 'ready' : null,
      now,
      started: state === 'queued' ? null : now,
      finished: hasEnded ? now : null,
      exitCode: hasEnded ? Number(state === 'failed') : null,
      kind: state === 'failed' ? 'test_failure' : null,
    },
  );
}

/** Ends the lane `unit` of the branch's newest run, and tells. */
export function endLane(forge: Forge, branch: Branch, state: 'success' | 'failed'): void {
  const now = forge.clock.now();
  const row = forge.db.get<{ runId: number; laneId: number; attemptId: number }>(
    `SELECT runs.id AS runId, lanes.id AS laneId, lane_attempts.id AS attemptId
       FROM runs JOIN lanes ON lanes.run_id = runs.id JOIN lane_attempts ON lane_attempts.lane_id = lanes.id
      WHERE runs.branch_id = :branchId ORDER BY runs.id DESC LIMIT 1`,
    { branchId: branch.id },
  )!;
  forge.db.run(
    'UPDATE lane_attempts SET state = :state, reason = NULL, started_at = :now, finished_at = :now WHERE id = :id',
    { state, now, id: row.attemptId },
  );
  forge.db.run('UPDATE runs SET state = :state, finished_at = :now WHERE id = :id', {
    state,
    now,
    id: row.runId,
  });
  const common = { repoId: branch.repoId, branchId: branch.id, runId: row.runId, state };
  forge.events.emit('lane-changed', { ...common, laneId: row.laneId, attemptId: row.attemptId });
  forge.events.emit('run-finished', common);
}
