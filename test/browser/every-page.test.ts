// Every page of the forge, full: nothing that axe finds in either theme, nothing that scrolls sideways on a phone, and
// nothing that breaks the content policy.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { findFaults, rulesOfLook } from '../support/axe.ts';
import { useBrowser } from '../support/browser.ts';
import { startRichForge, type RichForge } from '../support/rich-forge.ts';
import { forgottenRoutes, pagesOf } from './page-addresses.ts';

// A machine that runs everything at once takes its time for a hundred looks.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 300_000 });

const browser = useBrowser();
let rich: RichForge;
beforeAll(async () => {
  rich = await startRichForge();
});
afterAll(() => rich.dispose());

test('every page that the forge has is looked at', () => {
  expect(forgottenRoutes(rich)).toEqual([]);
});

test('no page has a fault that axe finds, wide and light or narrow and dark, scrolls sideways, or has a name twice', async () => {
  const context = await (await browser()).newContext({ reducedMotion: 'reduce' });
  const page = await context.newPage();
  page.setDefaultTimeout(120_000);
  const broken: string[] = [];
  page.on('pageerror', (error) => broken.push(`${page.url()}: ${error.message}`));
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) broken.push(`${page.url()}: ${message.text()}`);
  });
  const faults: Record<string, string[]> = {};
  const lookAt = async (paths: Iterable<string>, who: string): Promise<void> => {
    for (const path of paths) {
      const found = await look(page, path);
      if (found.length > 0) faults[`${path} ${who}`] = found;
    }
  };
  const branch = '/ada/app/branches/1';
  await lookAt(['/', '/login', '/ada/app', `${branch}?tab=discussion`], 'signed out');
  await rich.signIn(page);
  await lookAt(pagesOf(rich).values(), 'signed in');
  await lookAt([`${branch}?tab=discussion&inbox=review`, `${branch}?tab=commits&shown=1`], 'in review');
  expect({ faults, broken }).toEqual({ faults: {}, broken: [] });
  await context.close();
});

test('what a reader has unfolded, typed, chosen and reached by key stays when the part around it changes', async () => {
  const files = { 'src/quarter.ts': 'export {};\n' };
  await rich.push('ben', {
    branch: 'quarter',
    from: 'refs/heads/main',
    files,
    message: 'Strike the quarters',
  });
  let number = 0;
  const isThere = async () => {
    const { branches } = await rich.api('ada', 'GET', '/repos/ada/app/branches?name=quarter');
    number = (branches as { number: number }[])[0]?.number ?? 0;
    return number > 0;
  };
  await expect.poll(isThere, { timeout: 120_000 }).toBe(true);
  const page = await (await browser()).newPage({ reducedMotion: 'reduce' });
  page.setDefaultTimeout(120_000);
  await rich.signIn(page);
  await page.goto(`${rich.served.http}/ada/app/branches/${number}`);
  await page.getByText('Hold it back').click();
  await page.locator('#hold-reason').fill('not before noon');
  await page.getByLabel('Until').selectOption('in a week');
  const link = page.locator('.branch-head a.oid').first();
  await link.focus();
  await rich.api('ben', 'POST', `/repos/ada/app/branches/${number}/holds`, { reason: 'ben wants to look' });
  await page.getByText('ben wants to look').first().waitFor();
  expect(await link.evaluate((element) => element === document.activeElement)).toBe(true);
  expect(await page.locator('#hold-reason').inputValue()).toBe('not before noon');
  expect(await page.getByLabel('Until').inputValue()).toBe('168');
  await page.close();
});

/** What a page fetches later is a part of it. A whole page in its stead, say for an address with a fault, stands in itself. */
async function wholePagesIn(page: Page): Promise<string[]> {
  const attributes = ['fragment', 'drawer', 'fill', 'colours', 'more', 'between'];
  const answers = await page.evaluate(async (names) => {
    const places = [
      ...document.querySelectorAll<HTMLElement>(names.map((name) => `[data-${name}]`).join(', ')),
    ];
    const addresses = places.map(({ dataset }) => names.map((name) => dataset[name]).find(Boolean) ?? '');
    return Promise.all(
      addresses.map(async (address) => ({ address, html: await (await fetch(address)).text() })),
    );
  }, attributes);
  return answers.flatMap(({ address, html }) =>
    /<html/i.test(html) ? [`gets a whole page from ${address}`] : [],
  );
}

/** A part that is called as another one is never found: the sheet of keys was not, where keys are kept. */
const namesTwice = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
    return ids.flatMap((id, at) => (ids.indexOf(id) < at ? [`has #${id} twice`] : []));
  });

/** Loads a page once, wide and light with every rule; then on a phone and dark with those that the look decides. */
async function look(page: Page, path: string): Promise<string[]> {
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 1280, height: 800 });
  const answer = await page.goto(rich.served.http + path);
  const status = answer?.status() ?? 0;
  if (status !== (path.endsWith('/nowhere') ? 404 : 200)) return [`was answered with ${status}`];
  const faults = [...(await findFaults(page)), ...(await wholePagesIn(page)), ...(await namesTwice(page))];
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.setViewportSize({ width: 360, height: 800 });
  faults.push(...(await findFaults(page, rulesOfLook)));
  const wanted: number = await page.evaluate('document.documentElement.scrollWidth');
  return wanted > 360 ? [...faults, `is ${wanted} px wide at 360 px`] : faults;
}
