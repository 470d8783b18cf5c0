import { afterAll, expect, test } from 'vitest';
import { scanRepo } from '../../src/branches/scan.ts';
import { findOpenBranch } from '../../src/branches/find.ts';
import { SettableClock } from '../../src/lib/clock.ts';
import { findTutorial, newestTutorial } from '../../src/tutorials/find.ts';
import { openTutorials } from '../../src/tutorials/open.ts';
import { generateTutorials } from '../../src/tutorials/generate.ts';
import { outlineWriter } from '../../src/tutorials/outline.ts';
import { claimTutorial, finishTutorial, queueMissing } from '../../src/tutorials/store.ts';
import { tutorialSections } from '../../src/tutorials/view.ts';
import { closeRenderPool } from '../../src/web/render-pool.ts';
import { useForge, type TestForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';

const open = useForge();
afterAll(closeRenderPool);

async function withBranch(testForge: TestForge) {
  const { forge, repoFolder } = testForge;
  const repo = await testForge.repo('ada/app', {
    files: { 'a.txt': 'one\n', 'b.ts': 'export const b = 1;\n' },
  });
  await pushFiles(forge.git, {
    repo: repoFolder(repo),
    branch: 'change',
    from: 'main',
    files: { 'b.ts': 'export const b = 2;\n', 'c.ts': 'export const c = "<b>";\n' },
  });
  await scanRepo(forge, repo);
  const branch = findOpenBranch(forge, repo.id, 'change')!;
  return { repo, branch };
}

test('a pushed branch gets a tutorial whose steps show their own hunks', async () => {
  const testForge = await open();
  const { branch } = await withBranch(testForge);
  const told = testForge.forge.events.next('tutorial-changed');
  await generateTutorials(testForge.forge, outlineWriter);
  expect(await told).toMatchObject({ branchId: branch.id, revision: 1, state: 'ready' });
  const guide = await tutorialSections(testForge.forge, branch);
  expect(guide).toMatchObject({ state: 'ready', revision: 1, hunkCount: 2, writer: 'outline' });
  const files = guide.steps!.flatMap((step) => step.files);
  expect(files.map((file) => [file.name, file.status])).toEqual([
    ['b.ts', 'modified'],
    ['c.ts', 'added'],
  ]);
  expect(files[0]!.hunks[0]!.rows.flatMap((row) => row.segments).find((part) => part.changed)?.text).toBe(
    '1',
  );
});

test('a writer that fails leaves its reason, and the others go on', async () => {
  const testForge = await open();
  const { branch } = await withBranch(testForge);
  await generateTutorials(testForge.forge, {
    name: 'broken',
    write: () => {
      throw new Error('no ink');
    },
  });
  expect(newestTutorial(testForge.forge, branch.id)).toMatchObject({ state: 'failed', message: 'no ink' });
});

test('a claim whose lease ran out is taken again, and its first writer writes no more', async () => {
  const clock = new SettableClock();
  const testForge = await open({ clock });
  const { forge } = testForge;
  const { branch } = await withBranch(testForge);
  queueMissing(forge.db, clock.now());
  const first = claimTutorial(forge.db, { now: clock.now(), leaseUntil: clock.now() + 1000 })!;
  expect(claimTutorial(forge.db, { now: clock.now(), leaseUntil: clock.now() + 1000 })).toBeUndefined();
  clock.advance(1001);
  await generateTutorials(forge, outlineWriter);
  const late = { ...first, state: 'failed' as const, body: undefined, message: 'late', now: clock.now() };
  expect(finishTutorial(forge.db, late)).toBe(false);
  expect(findTutorial(forge, branch.id, 1)?.state).toBe('ready');
});

test('what a dead program left half-written is written anew at the next start, without waiting for its lease', async () => {
  const testForge = await open();
  const { forge } = testForge;
  const { branch } = await withBranch(testForge);
  const now = forge.clock.now();
  queueMissing(forge.db, now);
  claimTutorial(forge.db, { now, leaseUntil: now + 3_600_000 });
  const told = forge.events.next('tutorial-changed');
  const tutorials = openTutorials(forge);
  tutorials.start();
  testForge.defer(() => tutorials.stop());
  expect(await told).toMatchObject({ branchId: branch.id, revision: 1, state: 'ready' });
});

test('a new revision gets its own tutorial, and the page of the old one says that the branch has moved on', async () => {
  const testForge = await open();
  const { forge, repoFolder } = testForge;
  const { repo, branch } = await withBranch(testForge);
  await generateTutorials(forge, outlineWriter);
  await pushFiles(forge.git, { repo: repoFolder(repo), branch: 'change', files: { 'd.ts': 'let d;\n' } });
  await scanRepo(forge, repo);
  const moved = findOpenBranch(forge, repo.id, 'change')!;
  const stale = await tutorialSections(forge, moved);
  expect(stale).toMatchObject({ revision: 1, current: 2, hunkCount: 2 });
  await generateTutorials(forge, outlineWriter);
  expect(findTutorial(forge, branch.id, 1)?.state).toBe('ready');
  expect(newestTutorial(forge, branch.id)).toMatchObject({ revision: 2, state: 'ready' });
});
