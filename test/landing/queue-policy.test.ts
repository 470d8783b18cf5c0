// What a branch that lands cannot change about its own test: the lanes and the secrets are those of the target (SECURITY L2).
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listLanes } from '../../src/ci/find.ts';
import { insertLandingRun, planLandingRun } from '../../src/ci/scheduler/landing-run.ts';
import { secretsFor } from '../../src/ci/secrets/secrets-for.ts';
import { setSecret } from '../../src/ci/secrets/set-secret.ts';
import { enqueueLanding, prioritizeLanding } from '../../src/landing/queue/queue.ts';
import { pauseLandings } from '../../src/landing/queue/queue-pause.ts';
import { findOpenBranch } from '../../src/branches/find.ts';
import { resolveBranch } from '../../src/git/refs.ts';
import { manifest } from '../support/ci.ts';
import { openTestForge, type TestForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';
import { World } from './property-world.ts';
import { openStage, reason, type Stage } from './queue-stage.ts';

let stage: Stage;
let other: TestForge;
beforeAll(async () => {
  stage = await openStage();
  other = await openTestForge();
});
afterAll(async () => {
  await stage.test.dispose();
  await other.dispose();
});

async function staged(full: string, lanes: string[]) {
  const repo = await other.repo(full, { files: manifest(...lanes) });
  const folder = other.repoFolder(repo);
  const { forge } = other;
  const baseOid = (await resolveBranch(forge.git, folder, 'main'))!;
  return { forge, repo, folder, baseOid };
}

test('the required lanes of a landing are those of the target, whatever the branch made of them', async () => {
  const { forge, repo, folder, baseOid } = await staged('demo/lanes', [
    'id = "unit"\ncommand = "true"',
    'id = "lint"\ncommand = "true"',
  ]);
  const files = manifest('id = "lint"\ncommand = "true"\nrequired = false');
  const headOid = await pushFiles(forge.git, { repo: folder, branch: 'sly', from: baseOid, files });
  const commit = { repoId: repo.id, target: 'main', headOid, baseOid, branches: ['sly'] };
  const plan = await planLandingRun(forge, commit);
  const runId = forge.db.transaction(() => insertLandingRun(forge, commit, plan));
  expect(listLanes(forge, runId).map(({ key, required }) => [key, required])).toEqual([
    ['lint', true],
    ['unit', true],
  ]);
});

test('a landing is given only the secrets that every one of its branches would be given', async () => {
  const lane = 'id = "unit"\ncommand = "true"\nsecrets = ["FOR_MAIN", "FOR_ALL", "FOR_ONE"]';
  const { forge, repo, folder, baseOid } = await staged('demo/secrets', [lane]);
  const { caller } = other.account('ada', 'admin');
  const refs = { FOR_MAIN: ['main'], FOR_ALL: ['**'], FOR_ONE: ['one'] };
  for (const [name, patterns] of Object.entries(refs)) {
    setSecret(forge, { repo, caller, name, value: `value of ${name}`, refs: patterns });
  }
  const files = { 'a.txt': 'a\n' };
  const headOid = await pushFiles(forge.git, { repo: folder, branch: 'one', from: baseOid, files });
  const given = async (branches: string[]) => {
    const commit = { repoId: repo.id, target: 'main', headOid, baseOid, branches };
    const plan = await planLandingRun(forge, commit);
    const runId = forge.db.transaction(() => insertLandingRun(forge, commit, plan));
    const [first] = listLanes(forge, runId);
    return Object.keys(secretsFor(forge, { runId, laneId: first!.id }).secrets).sort();
  };
  expect(await given(['one'])).toEqual(['FOR_ALL', 'FOR_ONE']);
  expect(await given(['one', 'two'])).toEqual(['FOR_ALL']);
  // A branch that is named as the target is still not the target.
  expect(await given(['one', 'main'])).toEqual(['FOR_ALL']);
});

test('who may read may not queue, and who may write may neither go first nor hold the queue', async () => {
  const world = await World.open(stage, 'rights', { batch: 1, speculation: 1 });
  const { forge, repo } = world;
  await world.push(0, 'fine');
  const branch = findOpenBranch(forge, repo.id, 'topic-0')!;
  const member = (role: 'read' | 'write') => {
    const { account, caller } = stage.test.account(`${role}-only`);
    forge.db.run('INSERT INTO repo_members (repo_id, account_id, role) VALUES (:repo, :account, :role)', {
      repo: repo.id,
      account: account.id,
      role,
    });
    return caller;
  };
  const [reader, writer] = [member('read'), member('write')];
  const order = { repo, branch, expectedHead: branch.headOid };
  await expect(enqueueLanding(forge, { ...order, caller: reader })).rejects.toMatchObject({
    code: 'forbidden',
  });
  const first = { ...order, caller: writer, priority: 1 };
  await expect(enqueueLanding(forge, first)).rejects.toMatchObject({ code: 'forbidden' });
  const stale = { ...order, caller: writer, expectedHead: 'f'.repeat(40) };
  await expect(enqueueLanding(forge, stale)).rejects.toMatchObject({ code: 'conflict' });
  const view = await enqueueLanding(forge, { ...order, caller: writer });
  expect(view).toMatchObject({ state: 'waiting', actor: 'write-only', position: null });
  await expect(enqueueLanding(forge, { ...order, caller: writer })).rejects.toMatchObject({
    code: 'conflict',
  });
  const forbidden = expect.objectContaining({ code: 'forbidden' });
  expect(() => prioritizeLanding(forge, { repo, branch, caller: writer, priority: 1 })).toThrow(forbidden);
  expect(() => pauseLandings(forge, { repo, caller: writer, reason })).toThrow(forbidden);
  await world.stop();
});
