// A review in a real browser: comments on lines with the mouse and the keys, and without script; what others write stays
// text; and nothing that axe can find, in both themes, wide and narrow.
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
const canary = '<img src=x onerror=alert(1)>';
const hostile = `${canary}</textarea></section><script>alert(2)</script> [go](javascript:alert(3)) ![z](https://other.example/z.png) \u202Eevil`;
let served: ServedForge;
let ada: GitClient;
let ben: GitClient;

beforeAll(async () => {
  served = await startForge();
  ada = await served.person('ada', 'admin');
  ben = await served.person('ben', 'admin');
  const url = `ssh://git@127.0.0.1:${served.sshPort}/ada/app.git`;
  await ada.commit('Start', { 'clock.ts': 'const a = 1;\nconst b = 2;\nconst c = 3;\n' });
  await ada.git('push', url, 'main');
  for (const name of ['by-mouse', 'by-form', 'hostile', 'beside']) {
    await ada.git('switch', '--quiet', '--create', name, 'main');
    await ada.commit(`Work on ${name}`, {
      'clock.ts': 'const a = 1;\nconst b = 20;\nconst c = 30;\n',
      ...(name === 'hostile' ? { [`${canary.replaceAll(' ', '_')}.ts`]: 'x\n' } : {}),
    });
    await ada.git('push', url, name);
  }
}, 240_000);
afterAll(() => disposeServed(served));

async function openSignedIn(
  client: GitClient,
  options: Parameters<Browser['newPage']>[0] = {},
): Promise<Page> {
  const page = await (await browser()).newPage(options);
  page.setDefaultTimeout(60_000);
  await signIn(page, served, client);
  return page;
}

const branchPage = (number: number): string => `${served.http}/ada/app/branches/${number}`;

async function api(client: GitClient, path: string, body: unknown): Promise<void> {
  const response = await fetch(`${served.http}/api/v1/repos/ada/app/branches${path}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await served.token(client.name)}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify(body),
  });
  expect(response.status, await response.text()).toBeLessThan(300);
}

test('with script: a range of lines is commented on, answered, settled and reviewed, and another reader sees it at once', async () => {
  const page = await openSignedIn(ben);
  await page.goto(`${branchPage(1)}?tab=changes`);
  const numbers = page.locator('.diff .line-number.new a');
  await numbers.getByText('2', { exact: true }).click();
  await page.getByLabel('Comment on line 2').waitFor();
  await numbers.getByText('3', { exact: true }).click({ modifiers: ['Shift'] });
  await page.getByLabel('Comment on lines 2–3').fill('Why **both**?');
  await page.getByRole('button', { name: 'Keep as draft' }).click();
  const thread = page.locator('section.thread');
  await thread.getByText('draft, only you see it').waitFor();
  expect(await thread.locator('strong').innerText()).toBe('both');

  const reader = await openSignedIn(ada);
  await reader.goto(`${branchPage(1)}?tab=discussion`);
  await reader.locator('[data-live-state]:not([hidden])').waitFor();
  expect(await reader.locator('section.thread').count()).toBe(0);

  await page.goto(`${branchPage(1)}?tab=discussion`);
  await page.getByLabel('Ask for changes').check();
  await page.getByLabel('What the author should know').fill('Nearly.');
  await page.getByRole('button', { name: 'Submit review' }).click();
  await page.getByRole('article', { name: 'Review by ben' }).getByText('Nearly.').waitFor();

  // Told by the live stream, without a reload.
  const told = reader.locator('section.thread');
  await told.getByRole('paragraph').filter({ hasText: 'Why both?' }).waitFor();
  await told.getByText('Reply', { exact: true }).first().click();
  await told.getByLabel('Reply', { exact: true }).fill('So.');
  await told.getByRole('button', { name: 'Reply', exact: true }).click();
  await told.getByRole('paragraph').filter({ hasText: 'So.' }).waitFor();
  // By now CI and the tutorial have said all they had to say of the push.
  await api(ben, '/1/threads', { body: 'One more thing.' });
  await told.getByRole('paragraph').filter({ hasText: 'One more thing.' }).waitFor();
  await told.getByRole('button', { name: 'Resolve' }).click();
  await told.getByText('Resolved by ada').waitFor();
  await page.close();
  await reader.close();
});

test('the discussion stands beside the code: opened by key, drawn wider, told live, and remembered', async () => {
  await api(ada, '/4/threads', { body: 'On the line', path: 'clock.ts', line: 2 });
  await api(ada, '/4/threads', { body: 'Of all of it' });
  const page = await openSignedIn(ben, { viewport: { width: 1400, height: 900 } });
  await page.goto(`${branchPage(4)}?tab=changes`);
  const drawer = page.getByRole('complementary', { name: 'Discussion' });
  await page.getByRole('button', { name: 'Discussion' }).waitFor();
  await page.keyboard.press('Control+.');
  await drawer.getByText('Of all of it').waitFor();
  const width = async (): Promise<number | undefined> => (await drawer.boundingBox())?.width;
  const grip = drawer.getByRole('separator');
  await grip.press('Home');
  await expect.poll(width).toBe(200);
  await grip.press('ArrowRight');
  expect(await width()).toBe(200);
  await grip.press('End');
  expect(await width()).toBe(800);
  const edge = await grip.boundingBox();
  await page.mouse.move((edge?.x ?? 0) + 3, 300);
  await page.mouse.down();
  await page.mouse.move(1400 - 500, 320, { steps: 3 });
  await page.mouse.up();
  await expect.poll(width).toBe(500);

  await drawer.getByRole('link', { name: 'clock.ts, line 2' }).click();
  const focused = () => page.evaluate(() => document.activeElement?.className ?? '');
  await expect.poll(focused).toContain('thread');
  const field = drawer.getByLabel('Comment on the whole branch');
  await field.pressSequentially('For @ad');
  await drawer.getByRole('button', { name: '@ada' }).waitFor();
  await field.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect.poll(() => field.inputValue()).toBe('For @ada ');
  await field.fill('Said beside it');
  await drawer.getByRole('button', { name: 'Comment', exact: true }).click();
  await drawer.getByRole('paragraph').filter({ hasText: 'Said beside it' }).waitFor();
  await api(ada, '/4/threads', { body: 'Told live' });
  await drawer.getByText('Told live').waitFor();
  expect(await findFaults(page)).toEqual([]);

  await page.goto(`${branchPage(4)}?tab=tutorial`);
  await drawer.getByText('Of all of it').waitFor();
  expect(await width()).toBe(500);
  await drawer.getByRole('button', { name: 'Close' }).press('Escape');
  await drawer.waitFor({ state: 'hidden' });
  await page.setViewportSize({ width: 360, height: 740 });
  await page.reload();
  await page.getByRole('button', { name: 'Discussion' }).click();
  await drawer.getByText('Of all of it').waitFor();
  expect(await width()).toBeLessThan(340);
  await page.close();
});

test('a refused comment keeps what was typed and says why; the key c opens the form at a hunk', async () => {
  const page = await openSignedIn(ben);
  await page.goto(`${branchPage(1)}?tab=changes`);
  await page.locator('tr.hunk').first().focus();
  await page.keyboard.press('c');
  const field = page.getByLabel(/^Comment on line/);
  await field.fill('x'.repeat(70_000));
  await page.getByRole('button', { name: 'Comment now' }).click();
  await expect.poll(() => page.getByRole('alert').innerText()).toContain('Shorten it');
  expect(await field.inputValue()).toHaveLength(70_000);
  await page.getByRole('link', { name: 'Cancel' }).click();
  await expect.poll(() => field.count()).toBe(0);
  await page.close();
});

test('without script: a line is chosen by its number, a comment is written, edited and deleted, and a review approves', async () => {
  const page = await openSignedIn(ben, { javaScriptEnabled: false });
  await page.goto(`${branchPage(2)}?tab=changes`);
  await page.locator('.diff .line-number.old a').getByText('2', { exact: true }).click();
  await page.getByLabel('Comment on line 2 as before').fill('It was two.');
  await page.getByRole('button', { name: 'Comment now' }).click();
  await page.waitForURL(/tab=changes#thread-\d+$/);
  const thread = page.locator('section.thread');
  await thread.getByRole('paragraph').filter({ hasText: 'It was two.' }).waitFor();
  await thread.getByText('Edit', { exact: true }).click();
  await thread.getByLabel('Comment', { exact: true }).fill('It was 2.');
  await thread.getByRole('button', { name: 'Save' }).click();
  await thread.getByRole('paragraph').filter({ hasText: 'It was 2.' }).waitFor();
  await page.getByRole('link', { name: 'Comment on the file clock.ts' }).click();
  await page.getByLabel('Comment on the whole file').fill('The whole of it.');
  await page.getByRole('button', { name: 'Comment now' }).click();
  await expect.poll(() => thread.count()).toBe(2);
  await thread.filter({ hasText: 'It was 2.' }).getByText('Edit', { exact: true }).click();
  await thread.getByRole('button', { name: 'Delete this comment' }).first().click();
  await expect.poll(() => thread.count()).toBe(1);
  await page.getByRole('link', { name: /^Discussion/ }).click();
  await page.getByLabel('Approve').check();
  await page.getByRole('button', { name: 'Submit review' }).click();
  await page.getByRole('article', { name: 'Review by ben' }).getByText('approved').waitFor();
  await page.close();
});

test('X1: what comments, reviews and the code they keep carry stays text, and no fault is found in their pages', async () => {
  const file = `${canary.replaceAll(' ', '_')}.ts`;
  const on = { body: hostile, path: file, line: 1 };
  for (const body of [{ body: hostile }, on, { ...on, body: 'A draft', draft: true }])
    await api(ben, '/3/threads', body);
  const head = await ada.git('rev-parse', 'hostile');
  await api(ben, '/3/reviews', { verdict: 'changes', body: hostile, head });
  const page = await openSignedIn(ben, { reducedMotion: 'reduce' });
  const outside: string[] = [];
  page.on('dialog', (dialog) => {
    outside.push(dialog.message());
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(served.http)) outside.push(request.url());
  });
  for (const [width, colorScheme] of [
    [1280, 'light'],
    [360, 'dark'],
  ] as const) {
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme });
    for (const query of [
      'tab=discussion',
      'tab=changes',
      `tab=changes&comment=${encodeURIComponent(file)}:new:1`,
    ]) {
      await page.goto(`${branchPage(3)}?${query}`);
      await page.locator('section.thread').first().waitFor();
      for (const details of await page.locator('.thread details').all()) {
        await details.evaluate((element) => element.setAttribute('open', ''));
      }
      expect(await findFaults(page), `${query} ${width}`).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
      expect(await page.locator('main img, main script, main a[href^="javascript"]').count()).toBe(0);
      expect(await page.locator('main').innerText()).not.toContain('\u202E');
    }
  }
  expect(outside).toEqual([]);
  await page.close();
});
