import { expect, test } from 'vitest';
import { waitForBranch } from '../../src/landing/wait.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';
import { addRevision, endLane, stageBranch, stageRepo, type StageOptions } from './staged-branch.ts';

const open = useForge();

async function stage(lane: NonNullable<StageOptions['lane']>) {
  const staged = await stageRepo(await open());
  const branch = await stageBranch(staged, { lane });
  const order = { ...staged, branch, goal: 'settled' as const, timeoutSeconds: 20 };
  return { staged, forge: staged.forge, branch, order };
}

test('the first answer comes at once, the next one with the next change', async () => {
  const { forge, branch, order } = await stage('queued');
  const first = await waitForBranch(forge, order);
  expect(first.outcome).toBe('waiting');
  const waiting = waitForBranch(forge, { ...order, seen: first.seen });
  endLane(forge, branch, 'success');
  const second = await waiting;
  expect(second.outcome).toBe('settled');
  expect(second.seen).not.toBe(first.seen);
  expect(second.status.gate.open).toBe(true);
});

test('a settled branch is answered at once, also to one who has seen it', async () => {
  const { forge, order } = await stage('failed');
  const first = await waitForBranch(forge, order);
  expect(first.outcome).toBe('settled');
  expect((await waitForBranch(forge, { ...order, seen: first.seen })).outcome).toBe('settled');
});

test('without news the same is answered when the time is up', async () => {
  const { forge, order } = await stage('running');
  const first = await waitForBranch(forge, order);
  const again = await waitForBranch(forge, { ...order, seen: first.seen, timeoutSeconds: 0.05 });
  expect([again.outcome, again.seen]).toEqual(['waiting', first.seen]);
});

test('facts about another branch wake nobody', async () => {
  const { forge, branch, order } = await stage('running');
  const first = await waitForBranch(forge, order);
  const gone = new AbortController();
  const waiting = waitForBranch(forge, { ...order, seen: first.seen, signal: gone.signal });
  forge.db.run(`UPDATE runs SET state = 'success'`);
  forge.events.emit('branch-settled', { repoId: 1, branchId: branch.id + 1, state: 'closed' });
  await new Promise(setImmediate);
  gone.abort();
  expect((await waiting).seen).toBe(first.seen);
});

test('a commit that was pushed before says moved, one that never was says not_pushed', async () => {
  const { staged, forge, branch, order } = await stage('success');
  const head = await pushFiles(forge.git, { repo: staged.folder, branch: 'work', files: { 'm.txt': 'm\n' } });
  expect((await waitForBranch(forge, { ...order, commit: head })).outcome).toBe('not_pushed');
  await addRevision(staged, branch, { head, lane: 'running' });
  expect((await waitForBranch(forge, { ...order, commit: branch.headOid })).outcome).toBe('moved');
  expect((await waitForBranch(forge, { ...order, commit: head })).outcome).toBe('waiting');
});

test('a wait for a commit that is not there yet is answered by its push', async () => {
  const { staged, forge, branch, order } = await stage('success');
  const head = await pushFiles(forge.git, { repo: staged.folder, branch: 'work', files: { 'm.txt': 'm\n' } });
  const first = await waitForBranch(forge, { ...order, commit: head });
  const waiting = waitForBranch(forge, { ...order, commit: head, seen: first.seen });
  await addRevision(staged, branch, { head, lane: 'running' });
  forge.events.emit('branch-pushed', { repoId: branch.repoId, branchId: branch.id, revision: 2 });
  expect((await waiting).outcome).toBe('waiting');
});

test('who waits for the landing is not answered by a green CI', async () => {
  const { forge, order } = await stage('success');
  expect((await waitForBranch(forge, { ...order, goal: 'landed' })).outcome).toBe('waiting');
  forge.db.run(`UPDATE branches SET state = 'merged'`);
  expect((await waitForBranch(forge, { ...order, goal: 'landed' })).outcome).toBe('settled');
});
