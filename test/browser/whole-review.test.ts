// A whole review in a real browser, once with nothing but keys and once with nothing but the mouse: from the inbox through
// the tutorial to a comment, over a rebased revision to the one file that changed since, to the approval and the next item.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { useBrowser } from '../support/browser.ts';
import type { GitClient } from '../support/git-client.ts';
import { disposeServed, startForge, type ServedForge } from '../support/serve.ts';
import { signIn } from '../support/sign-in.ts';

// A machine that runs all tests at once takes its time for pages too.
vi.setConfig({ testTimeout: 400_000, hookTimeout: 240_000 });

const browser = useBrowser();
let served: ServedForge;
let ada: GitClient;
let ben: GitClient;
beforeAll(async () => {
  served = await startForge();
  ada = await served.person('ada', 'admin');
  ben = await served.person('ben', 'admin');
});
afterAll(() => disposeServed(served));

const clock = Array.from({ length: 40 }, (_, at) => `export const hour${at + 1} = ${at + 1};\n`);
const bell = 'export const bell = 1;\n';
const changedClock = clock.with(19, 'export const hour20 = 2000;\n');

async function api(path: string, body: unknown): Promise<void> {
  const response = await fetch(`${served.http}/api/v1/repos/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await served.token('ada')}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(response.status, await response.text()).toBeLessThan(300);
}

/** Three branches of ben: `hours` is reviewed, `next` is the item behind it, and `lines` lands meanwhile. */
async function stage(repo: string): Promise<Page> {
  const url = `ssh://git@127.0.0.1:${served.sshPort}/${repo}.git`;
  await ben.git('switch', '--quiet', '--orphan', `start-${repo.replace('/', '-')}`);
  await ben.commit('Start', { 'clock.ts': clock.join(''), 'bell.ts': bell });
  const base = await ben.git('rev-parse', 'HEAD');
  await ben.git('push', '--quiet', url, 'HEAD:refs/heads/main');
  const push = async (name: string, message: string, files: Record<string, string>): Promise<void> => {
    await ben.git('switch', '--quiet', '--detach', base);
    await ben.commit(message, files);
    await ben.git('push', '--quiet', '--force', url, `HEAD:refs/heads/${name}`);
  };
  await push('lines', 'Say what it is', { 'clock.ts': `// A clock.\n// Of hours.\n${clock.join('')}` });
  await push('next', `The next item in ${repo}`, { 'next.ts': 'export {};\n' });
  const page = await (await browser()).newPage({ reducedMotion: 'reduce' });
  page.setDefaultTimeout(120_000);
  await signIn(page, served, ada);
  await page.goto(`${served.http}/inbox`);
  await page.getByRole('link', { name: `The next item in ${repo}` }).waitFor();
  await push('hours', `Make the hours of ${repo} long`, {
    'clock.ts': changedClock.join(''),
    'bell.ts': 'export const bell = 2;\n',
  });
  await page.getByRole('link', { name: title(repo) }).waitFor();
  return page;
}

/** `lines` lands; ben rebases on it, so that line 20 becomes line 22, and changes the bell once more. */
async function pushRebased(repo: string): Promise<void> {
  const url = `ssh://git@127.0.0.1:${served.sshPort}/${repo}.git`;
  await ben.git('fetch', '--quiet', url, 'refs/heads/lines');
  await api(`${repo}/branches/1/merge`, { head: await ben.git('rev-parse', 'FETCH_HEAD') });
  await ben.git('fetch', '--quiet', url, 'refs/heads/main');
  await ben.git('rebase', '--quiet', 'FETCH_HEAD');
  await ben.commit(`${title(repo)}, and ring longer`, { 'bell.ts': 'export const bell = 3;\n' });
  await ben.git('push', '--quiet', '--force', url, 'HEAD:refs/heads/hours');
}

const title = (repo: string): string => `Make the hours of ${repo} long`;

/** What both ways see after the push: the bell alone since the last review. */
async function seeSince(page: Page): Promise<void> {
  await page.getByText('The branch was rebased').waitFor();
  expect(await page.locator('.file-diff .path').allInnerTexts()).toEqual(['bell.ts']);
  expect(await page.locator('.file-diff .since-label').innerText()).toBe('changed');
  const code = page.locator('.diff tr.add .code, .diff td.code.add');
  expect(await code.allInnerTexts()).toEqual(['export const bell = 3;']);
  expect(await page.locator('#range-rest li').allTextContents()).toEqual(['clock.ts only rebased']);
}

/** And the comment, which was on line 20, under line 22, which says the same. */
async function seeMoved(page: Page): Promise<void> {
  const thread = page.locator('tr.thread-row', { hasText: 'Why so long?' });
  await thread.waitFor();
  const line = thread.locator('xpath=preceding-sibling::tr[1]');
  expect(await line.locator('.line-number').last().innerText()).toBe('22');
  expect(await line.locator('.code').innerText()).toBe('export const hour20 = 2000;');
}

async function seeNext(page: Page, repo: string): Promise<void> {
  const heading = page.getByRole('heading', { level: 1 });
  await heading.getByText(`The next item in ${repo}`).waitFor();
}

async function press(page: Page, ...keys: string[]): Promise<void> {
  // Keys act when the page's script has run, which is before its load is told.
  await page.waitForLoadState('load');
  for (const key of keys) await page.keyboard.press(key);
}

/** The key that goes through a list, until it is at the link. */
async function openByKeys(page: Page, name: string): Promise<void> {
  const link = page.getByRole('link', { name });
  await link.waitFor();
  await press(page, 'j');
  while (!(await link.evaluate((element) => element === document.activeElement))) await press(page, 'j');
  await press(page, 'Enter');
  await page.waitForURL(/branches\/3/);
}

/** `a` leads to the verdict from anywhere and chooses the approval; the arrow goes back to a mere comment. */
async function submitByKeys(page: Page, ...choice: string[]): Promise<void> {
  await press(page, 'a');
  await page.locator('[data-approve]:focus').waitFor();
  await press(page, ...choice, 'Enter');
  await page.waitForURL(/tab=discussion&inbox=review$/);
}

test('a review from the inbox to the next item with nothing but keys', async () => {
  const repo = 'ada/keys';
  const page = await stage(repo);
  await press(page, 'g', 'i');
  await openByKeys(page, title(repo));
  await press(page, 't');
  await page.waitForURL(/tab=tutorial/);
  await page.locator('.step').first().waitFor();
  await press(page, 'v');
  await page.getByText(/^1 of \d steps? viewed$/).waitFor();
  await press(page, 'ArrowRight', 'n');
  await press(page, 'J', 'J', 'J', 'J', 'K', 'c');
  await page.getByLabel(/^Comment on line /).waitFor();
  await press(page, 'Escape');
  await page.locator('#comment-form').waitFor({ state: 'detached' });
  await press(page, 'f');
  await page.waitForURL(/tab=changes/);
  await page.waitForLoadState('load');
  // The second file, which is folded because its step was viewed, its hunk, and there the line that was added.
  await press(page, 'j', 'j', 'x', 'n', 'J', 'J', 'J', 'J', 'J', 'c');
  await page.getByLabel('Comment on line 20', { exact: true }).waitFor();
  await page.keyboard.type('Why so long?');
  await press(page, 'Control+Enter');
  await page.locator('section.thread', { hasText: 'Why so long?' }).waitFor();
  await submitByKeys(page, 'ArrowLeft');
  await page.getByRole('article', { name: 'Review by ada' }).getByText('reviewed').waitFor();

  await pushRebased(repo);
  await press(page, 'g', 'i');
  await page.waitForURL(/\/inbox$/);
  await openByKeys(page, title(repo));
  await press(page, 'f');
  await page.waitForURL(/tab=changes/);
  await press(page, 'u');
  await page.waitForURL(/since=review/);
  await seeSince(page);
  await press(page, 'u');
  await page.waitForURL((url) => !url.search.includes('since'));
  // It needs no second look, so it stands folded.
  await press(page, 'j', 'j', 'x');
  await seeMoved(page);
  await submitByKeys(page);
  await page.getByRole('article', { name: 'Review by ada' }).getByText('approved').waitFor();
  await press(page, ']');
  await seeNext(page, repo);
  await page.close();
});

test('the same with nothing but the mouse, and a keyboard for the words alone', async () => {
  const repo = 'ada/mouse';
  const page = await stage(repo);
  const tab = (name: RegExp): Promise<void> =>
    page.getByRole('navigation', { name: 'Branch' }).getByRole('link', { name }).click();
  const decide = async (verdict: string, word: string): Promise<void> => {
    await tab(/^Discussion/);
    await page.getByRole('radio', { name: verdict, exact: true }).click();
    await page.getByRole('button', { name: 'Submit review' }).click();
    await page.getByRole('article', { name: 'Review by ada' }).getByText(word).waitFor();
  };
  await page.getByRole('link', { name: title(repo) }).click();
  await page.waitForURL(/branches\/3/);
  // The page does not wait for colours; they come into its lines.
  await page.locator('.step .diff .hljs-keyword').first().waitFor();
  const steps = await page.locator('.step').count();
  for (let step = 1; step <= steps; step += 1) {
    await page.getByRole('button', { name: new RegExp(`^Viewed.*step ${step}$`) }).click();
    await page.getByText(`${step} of ${steps} ${steps === 1 ? 'step' : 'steps'} viewed`).waitFor();
  }
  await tab(/^Changes/);
  const clockHead = page.locator('.file-diff', { hasText: 'clock.ts' }).locator('.file-diff-head');
  await clockHead.click();
  await page.locator('.diff .line-number.new a').getByText('20', { exact: true }).click();
  await page.getByLabel('Comment on line 20', { exact: true }).fill('Why so long?');
  await page.getByRole('button', { name: 'Keep as draft' }).click();
  await page.locator('section.thread', { hasText: 'Why so long?' }).waitFor();
  await decide('Comment', 'reviewed');

  await page.getByRole('radio', { name: 'Approve', exact: true }).click();
  await pushRebased(repo);
  // What came meanwhile is told, and not approved by who has not seen it.
  await page.getByText('The branch has a newer revision.').waitFor();
  await page.getByText('pushed revision 2').waitFor();
  await page.getByRole('button', { name: 'Submit review' }).click();
  await page.getByText('The branch has moved on to revision 2').waitFor();
  const main = page.getByRole('navigation', { name: 'Main' });
  await main.getByRole('link', { name: /^Inbox/ }).click();
  await page.getByRole('link', { name: title(repo) }).click();
  await tab(/^Changes/);
  await page.getByRole('link', { name: 'Since my last review' }).click();
  await seeSince(page);
  await page.getByRole('link', { name: 'All changes' }).click();
  await page.waitForURL((url) => !url.search.includes('since'));
  await clockHead.click();
  await seeMoved(page);
  await decide('Approve', 'approved');
  const bar = page.getByRole('complementary', { name: 'Inbox' });
  await bar.getByRole('link', { name: /^Next/ }).click();
  await seeNext(page, repo);
  await page.close();
});
