// The landing queue as people and agents use it: three branches land in one batch, two that do not fit together part,
// and a person merges in between. The forge, its lanes, git, ph and Chromium are real.
import { mkdirSync, rmSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { queueView, type LandingView, type QueueView } from '../../src/landing/queue/model.ts';
import { findFaults } from '../support/axe.ts';
import { useBrowser } from '../support/browser.ts';
import type { GitClient } from '../support/git-client.ts';
import { makePh, type Ph } from '../support/ph.ts';
import { manifestOf, pushBranch, pushProject } from '../support/sample-project.ts';
import { useSharedForge, type ServedForge } from '../support/serve.ts';
import { signIn } from '../support/sign-in.ts';

const sharedForge = useSharedForge();
const browser = useBrowser();
// A machine that runs everything at once takes its time.
const patience = 180_000;

// Two files that do not fit together, and two beside which the lane waits until a third is there.
const check = `#!/bin/sh
if [ -e left.txt ] && [ -e right.txt ]; then echo "left and right do not fit"; exit 1; fi
if [ -e slow-a.txt ] && [ -e slow-b.txt ] && [ ! -e human.txt ]; then echo "waits for the human"; sleep 600; fi
echo fine
`;

interface Stage {
  served: ServedForge;
  ada: GitClient;
  ph: Ph;
  token: string;
  repo: string;
}

let signedIn: { ada: GitClient; ph: Ph; token: string; page: Page } | undefined;

async function stage(repo: string): Promise<Stage & { page: Page }> {
  const served = await sharedForge();
  signedIn ??= await openSignedIn(served);
  const { ada, ph, token, page } = signedIn;
  // A checkout for each repository, in the folder in which ph runs.
  rmSync(ada.checkout, { recursive: true });
  mkdirSync(ada.checkout);
  await ada.git('init', '--quiet');
  const files = {
    'check.sh': check,
    '.pika/lanes.toml': manifestOf([{ id: 'unit', command: 'sh check.sh' }]),
    '.pika/policy.toml': '[landing]\nbatch = 4\n',
  };
  await pushProject(served, { client: ada, repo, files });
  return { served, ada, ph, token, page, repo };
}

async function openSignedIn(served: ServedForge): Promise<NonNullable<typeof signedIn>> {
  const ada = await served.person('ada', 'admin');
  const context = await (await browser()).newContext({ reducedMotion: 'reduce' });
  const page = await context.newPage();
  page.setDefaultTimeout(patience);
  await signIn(page, served, ada);
  const ph = await makePh(served, ada, { timeoutMs: patience });
  return { ada, ph, token: await served.token('ada', 'read'), page };
}

/** Pushes a branch with one file of its name, and waits until its own lanes are green. */
async function pushGreen({ ada, ph }: Stage, name: string): Promise<void> {
  await pushBranch(ada, { name, message: `Add ${name}`, files: { [`${name}.txt`]: `${name}\n` } });
  expect(await ph('wait', name)).toMatchObject({ status: 0 });
}

async function readQueue({ served, token, repo }: Stage): Promise<QueueView> {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${served.http}/api/v1/repos/${repo}/landings`, { headers });
  return queueView.parse(await response.json());
}

/** How a run stands; undefined when there is none of that number. */
async function runState({ served, token, repo }: Stage, number: number): Promise<string | undefined> {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${served.http}/api/v1/repos/${repo}/runs/${number}`, { headers });
  return response.ok ? ((await response.json()) as { state: string }).state : undefined;
}

/** The entries once all of these have ended, by the names of their branches. */
async function whenEnded(staged: Stage, names: readonly string[]): Promise<Map<string, LandingView>> {
  const found = new Map<string, LandingView>();
  await expect
    .poll(
      async () => {
        for (const landing of (await readQueue(staged)).ended) found.set(landing.branch.name, landing);
        return names.filter((name) => !found.has(name));
      },
      { timeout: patience, interval: 300 },
    )
    .toEqual([]);
  return found;
}

const mainText = (page: Page): Promise<string> => page.getByRole('main').innerText();
const shows = (page: Page, text: string | RegExp) =>
  expect.poll(() => mainText(page), { timeout: patience, interval: 100 }).toMatch(text);

test('three good branches land in one batch, after one run of what they are together', async () => {
  const staged = await stage('demo/three');
  const { served, ada, ph, page, repo } = staged;
  for (const name of ['one', 'two', 'three']) await pushGreen(staged, name);
  expect(await ph('queue', '--pause', 'until all are here')).toMatchObject({ status: 0 });
  for (const name of ['one', 'two']) expect(await ph('land', name, '--no-wait')).toMatchObject({ status: 0 });

  await page.goto(`${served.http}/${repo}/branches/3`);
  await page.getByRole('button', { name: 'Merge when green' }).click();
  await shows(page, /queue queued/);
  // The keys are there once their button is, and lead to the queue from every page of the repository.
  await page.locator('[data-keys-open]').waitFor();
  for (const key of ['g', 'q']) await page.keyboard.press(key);
  await page.waitForURL(`${served.http}/${repo}/landings`);
  await shows(page, /The queue is paused by ada.*until all are here/s);
  expect(await page.locator('.train-item h3').allInnerTexts()).toEqual([
    expect.stringContaining('tip of main'),
    expect.stringContaining('#1'),
    expect.stringContaining('#2'),
    expect.stringContaining('#3'),
  ]);
  await seeEveryLook(page);
  await page.getByRole('button', { name: 'Resume queue' }).click();

  expect(await ph('wait', 'three', '--for', 'landed')).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^merged: /),
  });
  const ended = await whenEnded(staged, ['one', 'two', 'three']);
  expect([...ended.values()].map(({ state }) => state)).toEqual(['landed', 'landed', 'landed']);
  // Runs 1 to 3 are the branches' own; what they are together was tested once, by run 4.
  expect([await runState(staged, 4), await runState(staged, 5)]).toEqual(['success', undefined]);
  await ada.git('fetch', '--quiet', 'origin', 'main');
  const subjects = await ada.git('log', '--first-parent', '--reverse', '--format=%s', 'FETCH_HEAD');
  expect(subjects.split('\n').map((line) => /#\d/.exec(line)?.[0])).toEqual([undefined, '#1', '#2', '#3']);
  // The page that was left open has heard of it.
  await shows(page, /Left the queue/);
}, 480_000);

test('of two branches that are green alone and red together the second is evicted, and its lane is shown', async () => {
  const staged = await stage('demo/two');
  const { served, ph, page, repo } = staged;
  for (const name of ['left', 'right']) await pushGreen(staged, name);
  expect(await ph('land', 'left', '--no-wait')).toMatchObject({ status: 0 });
  const landed = await ph('land', 'right');
  expect(landed).toMatchObject({ status: 1, stdout: expect.stringMatching(/^evicted: .*unit/) });
  expect(landed.stdout).toContain(`${served.http}/${repo}/runs/`);
  expect(landed.stdout).toContain('/lanes/unit');
  const ended = await whenEnded(staged, ['left', 'right']);
  expect(ended.get('left')).toMatchObject({ state: 'landed' });
  expect(ended.get('right')).toMatchObject({ state: 'evicted', ended: { lane: 'unit' } });
  expect((await ph('queue')).stdout).toMatch(/#2\s+evicted\s+right\s+.*unit/);

  await page.goto(`${served.http}/${repo}/branches/2`);
  await shows(page, /queue evicted/);
  await page.locator('#landing').getByRole('link', { name: 'Lane unit' }).click();
  await shows(page, /left and right do not fit/);
  await page.getByRole('link', { name: 'landing queue' }).first().waitFor();
  await page.goto(`${served.http}/${repo}/landings`);
  await page.getByRole('link', { name: 'unit' }).waitFor();
  // What was evicted may come back.
  await page.goto(`${served.http}/${repo}/branches/2`);
  await page.getByRole('button', { name: 'Merge when green' }).waitFor();
}, 480_000);

test('a person merges while the queue tests: it builds anew on the new tip, and lands', async () => {
  const staged = await stage('demo/between');
  const { served, ada, ph, page, repo } = staged;
  for (const name of ['slow-a', 'slow-b', 'human']) await pushGreen(staged, name);
  await ph('queue', '--pause', 'until both are here');
  for (const name of ['slow-a', 'slow-b']) await ph('land', name, '--no-wait');
  await page.goto(`${served.http}/${repo}/landings`);
  await page.getByRole('button', { name: 'Resume queue' }).click();
  // The candidate of both hangs, as its lane was told to.
  await page.locator('.train-item .lane-cell.running', { hasText: 'unit' }).waitFor();
  const [before] = (await readQueue(staged)).targets[0]!.candidates;

  const other = await page.context().newPage();
  other.setDefaultTimeout(patience);
  await other.goto(`${served.http}/${repo}/branches/3`);
  await other.locator('#merge').click();
  await shows(other, /Merged into main/i);
  await other.close();

  const ended = await whenEnded(staged, ['slow-a', 'slow-b']);
  expect([...ended.values()].map(({ state }) => state)).toEqual(['landed', 'landed']);
  // Runs 1 to 3 are the branches' own. What was tested on the old tip was given up, and what landed is another merge.
  expect(before?.run.number).toBe(4);
  await expect.poll(() => runState(staged, 4), { timeout: patience, interval: 300 }).toBe('cancelled');
  expect(await runState(staged, 5)).toBe('success');
  await ada.git('fetch', '--quiet', 'origin', 'main');
  const subjects = await ada.git('log', '--first-parent', '--reverse', '--format=%s', 'FETCH_HEAD');
  expect(subjects.split('\n').map((line) => /#\d/.exec(line)?.[0])).toEqual([undefined, '#3', '#1', '#2']);
  await shows(page, /nothing lands now/i);
}, 480_000);

/** Both themes, wide and on a phone: nothing that axe finds, and nothing that scrolls sideways. */
async function seeEveryLook(page: Page): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const width of [1280, 360]) {
      await page.setViewportSize({ width, height: 800 });
      expect(await findFaults(page)).toEqual([]);
      const sideways: boolean = await page.evaluate(
        'document.documentElement.scrollWidth > document.documentElement.clientWidth',
      );
      expect(sideways, `${width} px, ${colorScheme}`).toBe(false);
    }
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}
