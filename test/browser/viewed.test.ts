// What a reviewer need not look at twice, in a real browser: files are marked as viewed by key, by mouse and without
// script, a rebase takes no mark away, and since the last review there is only what somebody changed.
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { findFaults } from '../support/axe.ts';
import { useBrowser } from '../support/browser.ts';
import type { GitClient } from '../support/git-client.ts';
import { disposeServed, startForge, type ServedForge } from '../support/serve.ts';
import { signIn } from '../support/sign-in.ts';

// A machine that runs all tests at once takes its time for pages too.
vi.setConfig({ testTimeout: 180_000 });

const browser = useBrowser();
let served: ServedForge;
let ada: GitClient;
let ben: GitClient;
let changes: string;

const lines = Array.from({ length: 30 }, (_, index) => `line ${index + 1}\n`);
const textOf = (changed: number, to: string, first = ''): string =>
  first + lines.map((line, index) => (index + 1 === changed ? `${to}\n` : line)).join('');

beforeAll(async () => {
  served = await startForge();
  ada = await served.person('ada', 'admin');
  ben = await served.person('ben', 'admin');
  const url = `ssh://git@127.0.0.1:${served.sshPort}/ada/app.git`;
  await ada.commit('Start', {
    'a.txt': lines.join(''),
    'b.txt': lines.join(''),
    'lib/c.txt': lines.join(''),
  });
  await ada.git('push', url, 'main');
  await ada.git('switch', '--quiet', '--create', 'work', 'main');
  await ada.commit('Change three files', {
    'a.txt': textOf(20, 'changed'),
    'b.txt': textOf(20, 'changed'),
    'lib/c.txt': textOf(20, 'changed'),
  });
  await ada.git('push', url, 'work');
  changes = `${served.http}/ada/app/branches/1?tab=changes`;
}, 240_000);
afterAll(() => disposeServed(served));

async function openSignedIn(options: Parameters<Browser['newPage']>[0] = {}): Promise<Page> {
  const page = await (await browser()).newPage(options);
  page.setDefaultTimeout(60_000);
  await signIn(page, served, ben);
  return page;
}

/** A verb of the API on a branch, with the head that is there. */
async function verb(client: GitClient, path: string, order: Record<string, unknown>): Promise<void> {
  const authorization = `Bearer ${await served.token(client.name)}`;
  const headers = { authorization, 'content-type': 'application/json' };
  const [branch] = path.split('/');
  const base = `${served.http}/api/v1/repos/ada/app/branches/`;
  const { head } = (await (await fetch(`${base}${branch}/viewed`, { headers })).json()) as { head: string };
  const body = JSON.stringify({ ...order, head });
  const response = await fetch(`${base}${path}`, { method: 'POST', headers, body });
  expect(response.status, await response.text()).toBeLessThan(300);
}

/** The target moves on above every change, and the branch is rebased and changes one file of the three. */
async function rebase(): Promise<void> {
  const url = `ssh://git@127.0.0.1:${served.sshPort}/ada/app.git`;
  await ada.git('switch', '--quiet', '--create', 'move', 'main');
  await ada.commit('Move on', { 'a.txt': `first\n${lines.join('')}`, 'b.txt': `first\n${lines.join('')}` });
  await ada.git('push', url, 'move');
  await verb(ada, '2/merge', { force: { reason: 'The target moves on.' } });
  await ada.git('fetch', '--quiet', url, 'main');
  await ada.git('switch', '--quiet', 'work');
  await ada.git('rebase', '--quiet', 'FETCH_HEAD');
  await ada.commit('Change one again', { 'b.txt': textOf(20, 'changed again', 'first\n') });
  await ada.git('push', '--force', url, 'work');
}

const box = (page: Page, name: string) => page.getByRole('checkbox', { name: `Viewed ${name}` });
const count = (page: Page) => page.locator('[data-viewed-count]');
const shown = (page: Page) => page.locator('.file-diff .path').allInnerTexts();

test('viewed by key, by mouse and without script; a rebase keeps the marks; since the last review one file is left', async () => {
  const page = await openSignedIn();
  await page.goto(changes);
  expect(await count(page).innerText()).toBe('0 of 3');
  await page.keyboard.press('v');
  await vi.waitFor(async () => expect(await count(page).innerText()).toBe('1 of 3'), { timeout: 60_000 });
  expect(await box(page, 'a.txt').getAttribute('aria-checked')).toBe('true');
  expect(await page.evaluate(() => document.activeElement?.textContent)).toContain('b.txt');
  await box(page, 'b.txt').click();
  await vi.waitFor(async () => expect(await count(page).innerText()).toBe('2 of 3'), { timeout: 60_000 });

  const plain = await openSignedIn({ javaScriptEnabled: false });
  await plain.goto(changes);
  await box(plain, 'c.txt').click();
  await plain.waitForURL(/#file-/);
  expect(await count(plain).innerText()).toBe('3 of 3');
  await plain.close();

  // The finder narrows the tree, and Enter goes to what is left.
  await page.keyboard.press('t');
  await page.keyboard.type('lib/c');
  expect(await page.locator('[data-tree] a.tree-row:visible').count()).toBe(1);
  await page.keyboard.press('Enter');
  await vi.waitFor(
    async () => expect(await page.evaluate(() => document.activeElement?.textContent)).toContain('c.txt'),
    { timeout: 60_000 },
  );

  await verb(ben, '1/reviews', { verdict: 'comment', body: 'Read.' });
  await rebase();
  await page.goto(changes);
  expect(await count(page).innerText()).toBe('2 of 3');
  await page.getByRole('link', { name: 'Since my last review' }).click();
  await page.getByText('The branch was rebased').waitFor();
  expect(await shown(page)).toEqual(['b.txt']);
  expect(await page.locator('.file-diff .since-label').innerText()).toBe('changed');
  const added = page.locator('.diff tr.add .code, .diff td.code.add');
  expect(await added.allInnerTexts()).toEqual(['changed again']);
  await page.getByText('2 files need no second look').click();
  expect(await page.locator('#range-rest li').allInnerTexts()).toEqual([
    'a.txt only rebased',
    'lib/c.txt unchanged',
  ]);
  await box(page, 'b.txt').click();
  await vi.waitFor(async () => expect(await count(page).innerText()).toBe('3 of 3'), { timeout: 60_000 });

  await page.getByLabel('From', { exact: true }).selectOption('2');
  await page.getByLabel('To', { exact: true }).selectOption('1');
  await page.getByRole('button', { name: 'Show', exact: true }).click();
  await page.getByText('Since revision 2').waitFor();
  expect(await added.allTextContents()).toEqual(['changed']);
  for (const [colorScheme, width] of [
    ['light', 360],
    ['dark', 1280],
  ] as const) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 800 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    expect(await findFaults(page), `${colorScheme} ${width}`).toEqual([]);
  }
  await page.goto(`${served.http}/ada/app/branches/1?tab=commits`);
  const commits = page.getByRole('region', { name: 'How the commits changed' });
  expect(await commits.locator('.since-label').allInnerTexts()).toEqual(['unchanged', 'new']);
  expect(await findFaults(page)).toEqual([]);
  await page.close();
});

test('a tree of many files: the rest follows the code without script, and is brought over where it is wanted with it', async () => {
  // A repository of its own, for numbers of branches are counted in the other.
  const url = `ssh://git@127.0.0.1:${served.sshPort}/ada/many.git`;
  await ada.git('push', '--quiet', url, 'main');
  const names = Array.from({ length: 230 }, (_unused, at) => `f${String(at).padStart(3, '0')}.txt`);
  await ada.git('switch', '--quiet', '--create', 'many', 'main');
  // Two folders: one is cut where the tree beside the code ends, and its rest is longer than a piece.
  const paths = names.map((name, at) => `${at < 215 ? 'one' : 'two'}/${name}`);
  await ada.commit('Add many files', Object.fromEntries(paths.map((path) => [path, `${path}\n`])));
  await ada.git('push', '--quiet', url, 'many');
  const page = await openSignedIn({ viewport: { width: 1280, height: 800 } });
  const many = `${served.http}/ada/many/branches/1?tab=changes`;

  const plain = await openSignedIn({ javaScriptEnabled: false });
  await plain.goto(many);
  expect(await plain.locator('[data-tree] a.tree-row .name').count()).toBe(100);
  await plain.locator('summary', { hasText: '130 more files in the list of files' }).click();
  const rest = plain.getByRole('navigation', { name: 'More changed files' });
  expect(await rest.locator('a.tree-row .name').allInnerTexts()).toEqual(names.slice(100));
  await plain.close();

  await page.goto(many);
  const rows = page.locator('[data-tree] a.tree-row .name');
  expect(await rows.count()).toBe(100);
  expect(await page.getByText('in the list of files').isVisible()).toBe(false);
  // More files come in order while the page is scrolled, each once.
  const end = () => page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
  await vi.waitFor(
    async () => {
      await end();
      expect(await page.locator('.file-diff').count()).toBeGreaterThan(60);
    },
    { timeout: 60_000 },
  );
  const shownNames = await page.locator('.file-diff .path b').allInnerTexts();
  expect(shownNames).toEqual(names.slice(0, shownNames.length));

  await page.locator('#files').evaluate((side) => side.scrollTo(0, side.scrollHeight));
  await vi.waitFor(async () => expect(await rows.count()).toBeGreaterThan(100), { timeout: 60_000 });
  await page.keyboard.press('t');
  await page.keyboard.type('two/f22');
  const left = page.locator('[data-tree] a.tree-row:visible');
  await vi.waitFor(async () => expect(await left.count()).toBe(10), { timeout: 60_000 });
  await page.keyboard.press('Escape');
  expect(await rows.allTextContents()).toEqual(names);
  // All of them are seen again, a few after the other; of what is typed before that no row is left over.
  await vi.waitFor(async () => expect(await left.count()).toBe(230), { timeout: 60_000 });
  for (const [words, found] of [
    ['one/', 215],
    ['zzz', 0],
    ['f229', 1],
    ['', 230],
  ] as const) {
    await page.getByLabel('Find a changed file').fill(words);
    await vi.waitFor(async () => expect(await left.count()).toBe(found), { timeout: 60_000 });
  }
  // With a counter in each file, Chromium would go through the whole page for every file that comes.
  const counters = await page
    .locator('.file-diff summary')
    .evaluateAll((all) => all.map((each) => getComputedStyle(each).counterIncrement));
  expect(new Set(counters)).toEqual(new Set(['none']));
  expect(await findFaults(page)).toEqual([]);
  // Both folders are named once.
  expect(await page.locator('[data-tree] .folder').allInnerTexts()).toEqual(['one', 'two']);

  // Who goes to a file that was not fetched yet is brought there; what was passed over is offered where it belongs.
  const focused = () => page.evaluate(() => document.activeElement?.querySelector('.path b')?.textContent);
  const goTo = async (path: string, name: string) => {
    await page.keyboard.press('t');
    await page.keyboard.type(path);
    await page.keyboard.press('Enter');
    await vi.waitFor(async () => expect(await focused()).toBe(name), { timeout: 60_000 });
  };
  const files = page.locator('.file-diff .path b');
  await page.goto(many);
  await goTo('two/f225', 'f225.txt');
  expect(
    await page.locator('.file-diff:focus').evaluate((file) => file.getBoundingClientRect().top),
  ).toBeLessThan(800);
  await goTo('one/f190', 'f190.txt');
  const there = await files.allInnerTexts();
  expect(there).toEqual(there.toSorted());
  expect(there.slice(-15)).toEqual([...names.slice(190, 200), ...names.slice(225)]);
  const offered = page.locator('[data-between]');
  expect(await offered.allInnerTexts()).toEqual([
    expect.stringMatching(`^${190 - (there.length - 15)} files in between`),
    expect.stringMatching('^25 files in between'),
  ]);
  await offered.last().getByRole('link').click();
  await vi.waitFor(async () => expect(await focused()).toBe('f200.txt'), { timeout: 60_000 });
  expect((await files.allInnerTexts()).slice(-25)).toEqual([...names.slice(190, 210), ...names.slice(225)]);
  expect(await findFaults(page)).toEqual([]);
  const link = page.url();
  await page.goto('about:blank');
  await page.goto(link);
  await vi.waitFor(async () => expect(await focused()).toBe('f190.txt'), { timeout: 60_000 });
  await page.close();
});
