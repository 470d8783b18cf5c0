// The pages of history as people meet them: without a fault that axe can find, on a phone, and without script.
import { expect, test } from 'vitest';
import { findFaults } from '../support/axe.ts';
import { useBrowser } from '../support/browser.ts';
import type { GitClient } from '../support/git-client.ts';
import { pushProject } from '../support/sample-project.ts';
import { useServedForge, type ServedForge } from '../support/serve.ts';

const startForge = useServedForge();
const browser = useBrowser();
const many = Object.fromEntries(
  Array.from({ length: 12 }, (_, index) => [`many/${index}.ts`, `export const n = ${index};\n`]),
);

async function startSample(): Promise<{
  served: ServedForge;
  ada: GitClient;
  merge: string;
  paths: string[];
}> {
  const served = await startForge();
  const ada = await served.person('ada', 'admin');
  await served.operate('repo', 'create', 'ada/app', '--public');
  await ada.commit('Begin', { 'a.ts': `export const a = '${'x'.repeat(300)}';\n`, 'b.txt': 'b\n' });
  await ada.git('switch', '--quiet', '-c', 'side');
  await ada.commit('Beside\n\nA body with a line that is so long that it has to be wrapped on any window.', {
    'side.txt': 'side\n',
    ...many,
  });
  await ada.git('switch', '--quiet', 'main');
  await ada.git('mv', 'b.txt', 'c.txt');
  await ada.commit('Rename', { 'c.txt': 'b\n' });
  await ada.git('merge', '--quiet', '--no-ff', '-m', 'Merge it', 'side');
  const merge = await ada.git('rev-parse', 'HEAD');
  await pushProject(served, { client: ada, repo: 'ada/app', files: { 'a.ts': 'export const a = 1;\n' } });
  await ada.git('push', '--quiet', 'origin', 'side');
  const base = '/ada/app';
  const paths = [
    `${base}/commits`,
    `${base}/commits/main/c.txt`,
    `${base}/commits/main/c.txt?follow=1`,
    `${base}/commits/main/b.txt`,
    `${base}/commit/${merge}`,
    `${base}/commit/${merge}/refs`,
    `${base}/compare`,
    `${base}/compare/side...main`,
    `${base}/compare/main...side`,
    `${base}/compare/main...main`,
    `${base}/blame/main/a.ts`,
    `${base}/blame/main/many`,
  ];
  return { served, ada, merge, paths };
}

test(
  'axe finds no fault, and nothing is wider than the window, in either theme',
  { timeout: 120_000 },
  async () => {
    const { served, paths } = await startSample();
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
      for (const path of paths) {
        const answer = await page.goto(served.http + path);
        expect(answer?.status(), path).toBe(200);
        expect(await findFaults(page), `${path} ${width}`).toEqual([]);
        expect(await page.evaluate('document.documentElement.scrollWidth'), path).toBeLessThanOrEqual(width);
      }
    }
    expect(broken).toEqual([]);
    await page.close();
  },
);

test('what contains a commit, and the files below, come by themselves', { timeout: 60_000 }, async () => {
  const { served, ada } = await startSample();
  const side = await ada.git('rev-parse', 'side');
  const page = await (await browser()).newPage();
  await page.goto(`${served.http}/ada/app/commit/${side}`);
  const contained = page.locator('.contained');
  await contained.getByRole('link', { name: 'side', exact: true }).waitFor();
  expect(await contained.innerText()).toContain('main');
  await expect.poll(() => page.locator('.file-diff').count()).toBe(13);
  await page.close();
});

test('everything can be reached without script', { timeout: 60_000 }, async () => {
  const { served, merge } = await startSample();
  const context = await (await browser()).newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${served.http}/ada/app`);
  const main = page.getByRole('main');
  await page.getByRole('link', { name: 'History' }).click();
  await main.getByRole('link', { name: 'Merge it' }).click();
  expect(page.url()).toContain(`/commit/${merge}`);
  await main.getByRole('link', { name: 'parent 2' }).click();
  expect(await main.innerText()).toContain('c.txt');
  await main.getByRole('link', { name: 'Branches and tags that contain it' }).click();
  expect(await main.innerText()).toContain('main');
  await page.goto(`${served.http}/ada/app/compare`);
  await page.getByLabel('To', { exact: true }).fill('side');
  await page.getByRole('button', { name: 'Compare' }).click();
  expect(page.url()).toContain('/compare/main...side');
  await main.getByRole('link', { name: 'Swap' }).click();
  await main.getByText('Commits').first().waitFor();
  await page.goto(`${served.http}/ada/app/blame/main/a.ts`);
  await main.getByRole('link', { name: /Blame before/ }).click();
  expect(await main.innerText()).toContain('xxx');
  await context.close();
});
