// How a difference is read in a real browser: side by side, without white space, with the lines that were left out, by
// the mouse, by the keys and without script; and what is said of a line stays under it in every way.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
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
let changes: string;

const lines = Array.from({ length: 120 }, (_, index) => `export const line${index + 1} = ${index + 1};`);
const textOf = (change: (line: string, number: number) => string): string =>
  `${lines.map((line, index) => change(line, index + 1)).join('\n')}\n`;

/** A PNG of so many dots in a row, all of one colour. */
function dot(width: number): Buffer {
  const chunk = (name: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const [size, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    size.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([size, body, sum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(40, 4);
  header.set([8, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const row = Buffer.alloc(width + 1, 100);
  // Every row begins with how it is packed: not at all.
  row[0] = 0;
  const pixels = deflateSync(Buffer.concat(Array.from({ length: 40 }, () => row)));
  const rows = [chunk('IHDR', header), chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))];
  return Buffer.concat([signature, ...rows]);
}

beforeAll(async () => {
  served = await startForge();
  ada = await served.person('ada', 'admin');
  const url = `ssh://git@127.0.0.1:${served.sshPort}/ada/app.git`;
  writeFileSync(join(ada.checkout, 'dot.png'), dot(30));
  await ada.commit('Start', {
    'long.ts': textOf((line) => line),
    'spaces.ts': 'if (a) {\nb();\n}\n',
  });
  await ada.git('push', url, 'main');
  await ada.git('switch', '--quiet', '--create', 'change', 'main');
  await ada.commit('Change two lines', {
    'long.ts': textOf((line, number) => (number === 40 || number === 90 ? `${line} // changed` : line)),
    'spaces.ts': 'if (a) {\n  b();\n}\n',
  });
  await ada.git('push', url, 'change');
  await ada.git('switch', '--quiet', '--create', 'move', 'main');
  const block = lines.slice(9, 20);
  writeFileSync(join(ada.checkout, 'dot.png'), dot(90));
  await ada.commit('Move a block and paint', {
    'long.ts': textOf((line) => line).replace(`${block.join('\n')}\n`, ''),
    'other.ts': `${block.join('\n')}\n`,
  });
  await ada.git('push', url, 'move');
  changes = `${served.http}/ada/app/branches/1?tab=changes`;
}, 240_000);
afterAll(() => disposeServed(served));

type PageOptions = NonNullable<Parameters<Browser['newPage']>[0]>;
let signedIn: PageOptions['storageState'];

/** A page of its own, with the session of the first one. */
async function openSignedIn(options: PageOptions = {}): Promise<Page> {
  if (signedIn === undefined) {
    const first = await (await browser()).newPage();
    first.setDefaultTimeout(60_000);
    await signIn(first, served, ada);
    signedIn = await first.context().storageState();
    await first.close();
  }
  const page = await (await browser()).newPage({ ...options, storageState: signedIn });
  page.setDefaultTimeout(60_000);
  return page;
}

const long = (page: Page) => page.locator('.file-diff').filter({ hasText: 'long.ts' }).first();
const numbers = (page: Page) => long(page).locator('tr:not(.hunk) .line-number.new').allInnerTexts();

test('by the keys: side by side and back, without white space, and what was left out', async () => {
  const page = await openSignedIn();
  await page.goto(changes);
  expect(await page.locator('table.diff.unified').count()).toBe(2);
  await page.keyboard.press('s');
  await page.locator('table.diff.split').first().waitFor();
  expect(await page.locator('table.diff.split').count()).toBe(2);
  const changed = long(page)
    .locator('tr', { has: page.locator('.code.del') })
    .first();
  expect(await changed.locator('.code').allInnerTexts()).toEqual([
    'export const line40 = 40;',
    'export const line40 = 40; // changed',
  ]);

  await page.keyboard.press('n');
  await page.keyboard.press('x');
  await long(page).locator('.line-number.new').getByText('1', { exact: true }).waitFor();
  // 1–43 are there now, and 87–93 as before.
  const shown = [...Array.from({ length: 43 }, (_, index) => index + 1), 87, 88, 89, 90, 91, 92, 93];
  expect(await numbers(page)).toEqual(shown.map(String));

  await page.keyboard.press('w');
  await page.getByText('Only white space changes here.').waitFor();
  // Remembered, although the address says nothing of it.
  expect(page.url()).toContain('w=1');
  await page.goto(changes);
  expect(await page.locator('table.diff.split').count()).toBe(2);
  await page.keyboard.press('s');
  await page.locator('table.diff.unified').first().waitFor();
  await page.goto(changes);
  expect(await page.locator('table.diff.split').count()).toBe(0);
  await page.close();
});

test('by the mouse: a gap opens from its top, from its end and whole, and shown lines can be commented on', async () => {
  const page = await openSignedIn();
  await page.goto(changes);
  const gap = long(page).locator('tr.hunk').nth(1);
  await gap.getByLabel('20 more lines downwards').click();
  await long(page).locator('.line-number.new').getByText('63', { exact: true }).waitFor();
  await gap.getByLabel('20 more lines upwards').click();
  await long(page).locator('.line-number.new').getByText('67', { exact: true }).waitFor();
  await gap.getByText('3 lines').click();
  await long(page).locator('.line-number.new').getByText('64', { exact: true }).waitFor();
  expect(await gap.locator('.expand').count()).toBe(0);
  await long(page).locator('tr.tail').getByText('To the end').click();
  await long(page).locator('.line-number.new').getByText('120', { exact: true }).waitFor();
  const all = (await numbers(page)).filter((number) => number !== '').map(Number);
  expect(all).toEqual(Array.from({ length: 84 }, (_, index) => index + 37));
  const code = await long(page).locator('tr.shown .code').allInnerTexts();
  expect(code[0]).toBe('export const line44 = 44;');

  await long(page).locator('.line-number.new a').getByText('50', { exact: true }).click();
  await page.getByLabel('Comment on line 50').fill('Why fifty?');
  await page.getByRole('button', { name: 'Comment now' }).click();
  await page.locator('section.thread p').getByText('Why fifty?').waitFor();
  // On a line that the difference shows, in both ways of showing it.
  await long(page).locator('.line-number.new a').getByText('40', { exact: true }).click();
  await page.getByLabel('Comment on line 40').fill('Why forty?');
  await page.getByRole('button', { name: 'Comment now' }).click();
  await page.locator('.thread-row section.thread p').getByText('Why forty?').waitFor();
  for (const view of ['split', 'unified']) {
    await page.goto(`${changes}&view=${view}`);
    const under = page.locator('.thread-row', { hasText: 'Why forty?' });
    const above = await under.evaluate((row) => row.previousElementSibling?.textContent ?? '');
    expect(above, view).toContain('// changed');
  }
  await page.close();
});

test('without script every switch is a link, and a gap leads to its lines in the whole file', async () => {
  const page = await openSignedIn({ javaScriptEnabled: false });
  await page.goto(changes);
  await page.getByRole('link', { name: 'Side by side' }).click();
  expect(await page.locator('table.diff.split').count()).toBe(2);
  await page.getByRole('link', { name: 'Hide changes of white space' }).click();
  expect(await page.getByText('Only white space changes here.').count()).toBe(1);
  await page.locator('.expand').first().click();
  expect(new URL(page.url()).pathname).toMatch(/\/blob\/[0-9a-f]{40}\/long\.ts$/);
  expect(new URL(page.url()).hash).toBe('#L1');
  await page.close();
});

test('a very wide window has both sides from the start, until it is narrow again', async () => {
  const page = await openSignedIn({ viewport: { width: 2300, height: 900 } });
  await page.goto(changes);
  await page.locator('table.diff.split').first().waitFor();
  await page.setViewportSize({ width: 1200, height: 900 });
  await page.goto(changes);
  await page.locator('table.diff.unified').first().waitFor();
  await page.close();
});

test('a moved block says where it was, and both states of an image are there to compare', async () => {
  const page = await openSignedIn({ viewport: { width: 1280, height: 1600 } });
  await page.goto(`${served.http}/ada/app/branches/2?tab=changes`);
  await page.getByText('moved from long.ts:10').waitFor();
  await page.getByText('moved to other.ts:1').waitFor();
  expect(await page.locator('tr.add.moved').count()).toBe(11);
  const widths = () =>
    page
      .locator('.image-diff img')
      .evaluateAll((images) =>
        images.map((image) => (image as unknown as { naturalWidth: number }).naturalWidth),
      );
  await expect.poll(widths).toEqual([30, 90]);
  await page.locator('.image-diff figcaption').getByText('90 × 40').waitFor();
  expect(await findFaults(page)).toEqual([]);
  await page.close();
});

test('nothing that axe can find side by side, and no page that scrolls sideways', async () => {
  for (const [colorScheme, width] of [
    ['light', 1280],
    ['dark', 360],
  ] as const) {
    const page = await openSignedIn({ colorScheme, viewport: { width, height: 800 } });
    await page.goto(`${changes}&view=split`);
    expect(await findFaults(page)).toEqual([]);
    const over = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(over).toBe(0);
    await page.close();
  }
});
