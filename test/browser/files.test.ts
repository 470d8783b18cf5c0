// The pages of files as people meet them: without a fault that axe can find, with the keyboard, and without script.
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { findFaults } from '../support/axe.ts';
import { useBrowser } from '../support/browser.ts';
import { useServedForge, type ServedForge } from '../support/serve.ts';
import { pushProject } from '../support/sample-project.ts';

const startForge = useServedForge();
const browser = useBrowser();

const wide = `const wide = '${'x'.repeat(300)}';\n`;
const files = {
  'README.md': `# Sample\n\nSee [the guide](docs/guide.md).\n\n\`\`\`sh\n${'echo long '.repeat(40)}\n\`\`\`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n`,
  'docs/guide.md': '# Guide\n',
  'src/lines.ts': `${wide}${Array.from({ length: 60 }, (_, index) => `export const n${index} = ${index};\n`).join('')}`,
  'src/empty.ts': '',
};

async function startSample(): Promise<ServedForge> {
  const served = await startForge();
  const ada = await served.person('ada', 'admin');
  await served.operate('repo', 'create', 'ada/app', '--public');
  await pushProject(served, { client: ada, repo: 'ada/app', files });
  await ada.git('tag', 'v1');
  await ada.git('push', '--quiet', 'origin', 'v1');
  return served;
}

const pages = [
  '/ada/app',
  '/ada/app/tree',
  '/ada/app/tree/main/src',
  '/ada/app/blob/main/src/lines.ts',
  '/ada/app/blob/main/README.md',
  '/ada/app/blob/main/src/empty.ts',
  '/ada/app/refs',
  '/ada/app/refs?kind=tags',
  '/ada/app/refs?q=none',
  '/ada/app/search',
  '/ada/app/search/main?q=const',
  '/ada/app/search/main?q=none',
  '/ada/app/search/main?in=names&q=lines',
];

test(
  'axe finds no fault, and nothing is wider than the window, in either theme',
  { timeout: 120_000 },
  async () => {
    const served = await startSample();
    const page = await (await browser()).newPage({ reducedMotion: 'reduce' });
    const broken: string[] = [];
    page.on('console', (message) => message.type() === 'error' && broken.push(message.text()));
    page.on('pageerror', (error) => broken.push(error.message));
    for (const [width, colorScheme] of [
      [1280, 'light'],
      [360, 'dark'],
    ] as const) {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme });
      for (const path of pages) {
        await page.goto(served.http + path);
        expect(await findFaults(page), `${path} ${colorScheme}`).toEqual([]);
        const spare = await page.evaluate('innerWidth - document.documentElement.scrollWidth');
        expect(spare, `${path} at ${width}`).toBeGreaterThanOrEqual(0);
      }
    }
    expect(broken).toEqual([]);
    await page.close();
  },
);

const chosen = (page: Page): Promise<string[]> =>
  page.locator('.source .chosen').evaluateAll((rows: { id: string }[]) => rows.map(({ id }) => id));

test(
  'lines are linked to, files are found with the keyboard, and last changes arrive',
  { timeout: 60_000 },
  async () => {
    const served = await startSample();
    const page = await (await browser()).newPage();
    await page.goto(`${served.http}/ada/app/blob/main/src/lines.ts#L40-L42`);
    expect(await chosen(page)).toEqual(['L40', 'L41', 'L42']);
    expect(
      await page
        .locator('#L40')
        .evaluate((row: { getBoundingClientRect(): { top: number } }) => row.getBoundingClientRect().top),
    ).toBeLessThan(720);
    await page.locator('#L45 a').click();
    expect(await chosen(page)).toEqual(['L45']);
    await page.locator('#L47 a').click({ modifiers: ['Shift'] });
    expect(page.url()).toMatch(/#L45-L47$/);
    expect(await chosen(page)).toEqual(['L45', 'L46', 'L47']);

    await page.keyboard.press('t');
    await page.waitForURL(/in=names/);
    await page.keyboard.type('gide');
    await expect.poll(() => page.locator('#found a').allInnerTexts()).toEqual(['docs/guide.md']);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/blob\/main\/docs\/guide\.md$/);
    await page.keyboard.press('y');
    await page.waitForURL(/\/blob\/[0-9a-f]{40}\/docs\/guide\.md$/);

    await page.goto(`${served.http}/ada/app/tree`);
    await page.locator('.entries .change a').first().waitFor();
    await page.getByRole('link', { name: 'the guide' }).click();
    await page.waitForURL(/\/blob\/main\/docs\/guide\.md$/);
    await page.close();
  },
);

test('without script everything is a link or a form', { timeout: 60_000 }, async () => {
  const served = await startSample();
  const page = await (await browser()).newPage({ javaScriptEnabled: false });
  await page.goto(`${served.http}/ada/app`);
  await page.getByRole('link', { name: 'Files', exact: true }).click();
  await page.getByRole('link', { name: 'Show the last change of each' }).click();
  expect(await page.locator('.entries .change a').count()).toBeGreaterThan(0);
  await page.getByRole('link', { name: 'Find a file' }).click();
  await page.getByRole('searchbox').fill('lines');
  await page.getByRole('button', { name: 'Search' }).click();
  await page.getByRole('link', { name: 'src/lines.ts' }).click();
  expect(await page.locator('.source tr').count()).toBe(61);
  await page.getByRole('link', { name: 'Search', exact: true }).click();
  await page.getByRole('searchbox').fill('n59');
  await page.getByRole('button', { name: 'Search' }).click();
  expect(await page.locator('.source mark').innerText()).toBe('n59');
  await page.getByRole('link', { name: 'Refs' }).click();
  await page.getByRole('link', { name: 'Tags' }).click();
  await page.getByRole('link', { name: 'v1', exact: true }).click();
  expect(await page.locator('.entries').innerText()).toContain('README.md');
  await page.close();
});
