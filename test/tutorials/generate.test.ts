import { afterAll, expect, test } from 'vitest';
import { scanRepo } from '../../src/branches/scan.ts';
import { findOpenBranch } from '../../src/branches/find.ts';
import { SettableClock } from '../../src/lib/clock.ts';
import { findTutorial, newestTutorial } from '../../src/tutorials/find.ts';
import { openTutorials } from '../../src/tutorials/open.ts';
import { generateTutorials, TutorialDesk } from '../../src/tutorials/desk.ts';
import { outlineWriter } from '../../src/tutorials/writers/outline.ts';
import { claimTutorial, finishTutorial, queueMissing, requeueAll } from '../../src/tutorials/store.ts';
import { tutorialSections } from '../../src/tutorials/view.ts';
import { WriterFailure, type TutorialWriter } from '../../src/tutorials/writers/writer.ts';
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
  expect(files[0]!.hunks[0]!.rows.map((row) => row.html).join('\n')).toMatch(/<mark class="[^"]*">1<\/mark>/);
});

test('a writer that fails for good leaves the outline and says why', async () => {
  const testForge = await open();
  const { branch } = await withBranch(testForge);
  await generateTutorials(testForge.forge, {
    name: 'broken',
    write: () => {
      throw new Error('no ink');
    },
  });
  const tutorial = newestTutorial(testForge.forge, branch.id);
  expect(tutorial).toMatchObject({ state: 'ready', writer: 'outline' });
  expect(tutorial?.message).toBe('The writer broken failed: no ink. This is the outline.');
  expect(tutorial?.body?.steps).not.toHaveLength(0);
});

test('a writer that fails for now is asked again, later each time, and then no more', async () => {
  const clock = new SettableClock();
  const settings = { tutorials: { retrySeconds: 10, maxAttempts: 3 } };
  const testForge = await open({ clock, settings });
  const { forge } = testForge;
  const { branch } = await withBranch(testForge);
  const asked: number[] = [];
  const from = clock.now();
  const writer: TutorialWriter = {
    name: 'tired',
    write: () => {
      asked.push(clock.now() - from);
      throw new WriterFailure('too much to do', {
        passes: true,
        retryAfterMs: asked.length === 1 ? 25_000 : 0,
      });
    },
  };
  for (let second = 0; second < 60; second += 5) {
    await generateTutorials(forge, writer);
    const { state, body } = newestTutorial(forge, branch.id)!;
    // The page has the outline all the while.
    expect([state, body?.steps.length]).toEqual([asked.length < 3 ? 'queued' : 'ready', 1]);
    clock.advance(5000);
  }
  expect(asked).toEqual([0, 25_000, 45_000]);
  expect(newestTutorial(forge, branch.id)?.message).toContain('too much to do. This is the outline.');
});

test('the outline is shown while a slow writer is at it, and another branch is written meanwhile', async () => {
  const testForge = await open();
  const { forge, repoFolder } = testForge;
  const { repo, branch } = await withBranch(testForge);
  await pushFiles(forge.git, {
    repo: repoFolder(repo),
    branch: 'other',
    from: 'main',
    files: { 'x.ts': 'x\n' },
  });
  await scanRepo(forge, repo);
  const other = findOpenBranch(forge, repo.id, 'other')!;
  const answered = Promise.withResolvers<void>();
  const slow: TutorialWriter = {
    name: 'slow',
    write: async ({ diff }) => {
      if (diff.files.length > 1) await answered.promise;
      return { body: { summary: 'Said by a model', steps: [] } };
    },
  };
  const running = forge.events.next('tutorial-changed', ({ branchId }) => branchId === branch.id);
  const ready = forge.events.next('tutorial-changed', ({ state }) => state === 'ready');
  const all = generateTutorials(forge, slow);
  expect(await running).toMatchObject({ state: 'running' });
  expect(await ready).toMatchObject({ branchId: other.id });
  const guide = await tutorialSections(forge, branch);
  expect(guide).toMatchObject({ state: 'running', writer: 'outline', hunkCount: 2 });
  answered.resolve();
  await all;
  expect(newestTutorial(forge, branch.id)).toMatchObject({
    state: 'ready',
    writer: 'slow',
    body: { summary: 'Said by a model', steps: [{ title: 'Everything else' }] },
  });
});

test('a model is not asked for a branch that is closed or has moved on', async () => {
  const testForge = await open();
  const { forge, repoFolder } = testForge;
  const { repo, branch } = await withBranch(testForge);
  queueMissing(forge.db, forge.clock.now());
  await pushFiles(forge.git, { repo: repoFolder(repo), branch: 'change', files: { 'd.ts': 'let d;\n' } });
  await scanRepo(forge, repo);
  const asked: string[][] = [];
  await generateTutorials(forge, {
    name: 'model',
    write: ({ diff }) => {
      asked.push(diff.files.map(({ newPath }) => newPath));
      return { body: { summary: '', steps: [] } };
    },
  });
  expect(asked).toEqual([['b.ts', 'c.ts', 'd.ts']]);
  expect(findTutorial(forge, branch.id, 1)).toMatchObject({ state: 'ready', writer: 'outline' });
});

test('a stop ends a writer that is at work, which counts for no attempt', async () => {
  const testForge = await open();
  const { forge } = testForge;
  const { branch } = await withBranch(testForge);
  const begun = Promise.withResolvers<void>();
  const desk = new TutorialDesk(forge, {
    name: 'endless',
    write: (_input, signal) => {
      begun.resolve();
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new WriterFailure('stopped', { passes: true })));
      });
    },
  });
  desk.pass();
  await begun.promise;
  await desk.stop();
  expect(newestTutorial(forge, branch.id)?.state).toBe('running');
  requeueAll(forge.db);
  expect(claimTutorial(forge.db, { now: forge.clock.now(), leaseUntil: 0 })).toMatchObject({ attempts: 1 });
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
  const late = { ...first, state: 'failed' as const, message: 'late', writer: 'outline', now: clock.now() };
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
