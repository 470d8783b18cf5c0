// A branch read by its tutorial in a real browser: one step after the other by the keys, with what was viewed, and a
// comment on a line of a step.
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
let tutorial: string;

beforeAll(async () => {
  served = await startForge();
  ada = await served.person('ada', 'admin');
  const url = `ssh://git@127.0.0.1:${served.sshPort}/ada/app.git`;
  await ada.commit('Start', { 'src/add.ts': 'export const add = 1;\n' });
  await ada.git('push', url, 'main');
  await ada.git('switch', '--quiet', '--create', 'change', 'main');
  await ada.commit('Keep the sums', { 'db/sums.sql': 'create table sums (id integer);\n' });
  await ada.commit('Add with care', {
    'src/add.ts': 'export const add = 2;\n',
    'src/care.ts': 'export {};\n',
  });
  await ada.commit('Tell of sums', { 'docs/sums.md': '# Sums\n' });
  await ada.git('push', url, 'change');
  await ada.git('switch', '--quiet', '--create', 'many', 'main');
  const many = Array.from({ length: 33 }, (_, index) => [`src/n${index}.ts`, `export const n = ${index};\n`]);
  await ada.commit('Add many', Object.fromEntries(many) as Record<string, string>);
  await ada.git('push', url, 'many');
  tutorial = `${served.http}/ada/app/branches/1?tab=tutorial`;
}, 240_000);
afterAll(() => disposeServed(served));

async function openSignedIn(options: Parameters<Browser['newPage']>[0] = {}): Promise<Page> {
  const page = await (await browser()).newPage(options);
  page.setDefaultTimeout(60_000);
  await signIn(page, served, ada);
  return page;
}

const titles = (page: Page) => page.locator('.step-title').allInnerTexts();

test('by the keys: one step at a time, viewed and next, back again, and all of them', async () => {
  const page = await openSignedIn();
  await expect
    .poll(async () => {
      await page.goto(tutorial);
      return titles(page);
    })
    .toEqual(['Keep the sums', 'Add with care', 'Tell of sums']);
  expect(await findFaults(page)).toEqual([]);
  await page.getByRole('link', { name: 'One step at a time' }).click();
  await page.waitForURL(/steps=one/);
  expect(await titles(page)).toEqual(['Keep the sums']);
  await page.keyboard.press('v');
  await page.waitForURL(/step=2$/);
  expect(await titles(page)).toEqual(['Add with care']);
  expect(await page.locator('.tutorial-head').innerText()).toContain('1 of 3 steps viewed');
  await page.keyboard.press('ArrowRight');
  await page.waitForURL(/step=3$/);
  await page.keyboard.press('ArrowLeft');
  await page.waitForURL(/step=2$/);

  await page.locator('.diff .line-number.new a').first().click();
  await page.getByRole('textbox', { name: 'Comment on line' }).fill('Why two?');
  await page.getByRole('button', { name: 'Comment now' }).click();
  await page.locator('.thread .comment-text').waitFor();
  // Remembered: the page opens at the first step with something that was not viewed, and says what was said there.
  await page.goto(tutorial);
  expect(await titles(page)).toEqual(['Add with care']);
  expect(await page.locator('.thread-row').innerText()).toContain('Why two?');
  expect(await findFaults(page)).toEqual([]);
  await page.setViewportSize({ width: 360, height: 780 });
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
  await page.getByRole('link', { name: 'All steps' }).click();
  await page.waitForURL(/steps=all/);
  expect(await titles(page)).toEqual(['Keep the sums', 'Add with care', 'Tell of sums']);
  await page.close();
});

test('a step of many files brings those behind the first as its reader comes to them', async () => {
  const page = await openSignedIn();
  const files = page.locator('.file-diff');
  await expect
    .poll(async () => {
      await page.goto(`${served.http}/ada/app/branches/2?tab=tutorial&step=1`);
      return titles(page);
    })
    .toEqual(['Add many']);
  await page.locator('.file-diff').last().scrollIntoViewIfNeeded();
  await expect.poll(() => files.count()).toBe(33);
  // Each once, and nothing is left to be asked for.
  expect(new Set(await files.evaluateAll((all) => all.map(({ id }) => id))).size).toBe(33);
  expect(await page.getByText('in this step').count()).toBe(0);
  expect(page.url()).toContain('step=1');
  await page.close();
});
