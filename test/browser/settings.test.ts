// The settings of a repository in a real browser, with keys alone and without script; and a broken branch, as it breaks.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { findFaults } from '../support/axe.ts';
import { useBrowser } from '../support/browser.ts';
import { useServedForge, type ServedForge } from '../support/serve.ts';
import type { GitClient } from '../support/git-client.ts';
import { signIn } from '../support/sign-in.ts';

const startForge = useServedForge();
const browser = useBrowser();

async function stage(): Promise<{ served: ServedForge; ada: GitClient; url: string }> {
  const served = await startForge();
  const ada = await served.person('ada');
  const url = `ssh://git@127.0.0.1:${served.sshPort}/ada/app.git`;
  await ada.commit('Start', { 'README.md': '# App\n' });
  await ada.git('push', url, 'main');
  await ada.commit('Fix the clock', { 'clock.txt': '1\n' });
  await ada.git('push', url, 'HEAD:refs/heads/fix-clock', 'HEAD:refs/heads/release/1.0');
  return { served, ada, url };
}

async function openSignedIn(
  served: ServedForge,
  client: GitClient,
  options: Parameters<Browser['newPage']>[0],
): Promise<Page> {
  const page = await (await browser()).newPage(options);
  await signIn(page, served, client);
  return page;
}

test('settings have no fault that axe can find, fresh, looked at, refused and saved, in both themes, wide and narrow', async () => {
  const { served, ada } = await stage();
  const page = await openSignedIn(served, ada, { reducedMotion: 'reduce' });
  const fits = async (what: string): Promise<void> => {
    expect(await findFaults(page), what).toEqual([]);
    const sideways = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
    expect(sideways, what).toBeLessThanOrEqual(0);
  };
  for (const width of [1280, 360]) {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme });
      const look = `${width} ${colorScheme}`;
      await page.goto(`${served.http}/ada/app/settings`);
      await fits(`fresh ${look}`);
      await page.getByLabel('Pattern').fill('release/*');
      await page.getByRole('button', { name: 'Show what it matches' }).click();
      expect(await page.locator('#tried').innerText()).toContain('release/1.0');
      await fits(`looked at ${look}`);
      await page.getByLabel('Pattern').fill('!x');
      await page.getByRole('button', { name: 'Protect', exact: true }).click();
      expect(await page.getByRole('alert').innerText()).toContain('is no pattern');
      await fits(`refused ${look}`);
      await page.getByRole('button', { name: 'Save' }).click();
      await page.waitForURL(/saved=general/);
      await fits(`saved ${look}`);
    }
  }
  await page.close();
}, 120_000);

test('a pattern is protected and removed with keys alone and without script, and pushes obey at once', async () => {
  const { served, ada, url } = await stage();
  const page = await openSignedIn(served, ada, { javaScriptEnabled: false });
  await page.goto(`${served.http}/ada/app/settings`);
  await page.getByLabel('Pattern').focus();
  await page.keyboard.type('release/*');
  await page.keyboard.press('Enter');
  await page.waitForURL(/saved=protected/);
  expect(await page.getByRole('status').first().innerText()).toContain('Saved.');
  const refused = await ada.tryGit('push', url, ':refs/heads/release/1.0');
  expect(refused.stderr).toContain('it is protected by the pattern release/* and cannot be deleted');
  await page.getByRole('button', { name: 'Remove the pattern release/*' }).focus();
  await page.keyboard.press('Enter');
  await page.waitForURL(/saved=protected/);
  await ada.git('push', url, ':refs/heads/release/1.0');
  await page.close();
});

test('a branch that breaks is shown as broken on the page that is open, with its reason on its own', async () => {
  const { served, ada, url } = await stage();
  const page = await openSignedIn(served, ada, { reducedMotion: 'reduce' });
  await page.goto(`${served.http}/ada/app`);
  await page.getByRole('link', { name: 'Fix the clock' }).first().waitFor();
  writeFileSync(join(served.data, 'repos/1.git/refs/heads/fix-clock'), 'half a ref');
  // Whatever has the repository looked at.
  await served.operate('protect', 'add', 'ada/app', 'release/*');
  await page.getByText('Broken: git cannot read its ref refs/heads/fix-clock').waitFor();
  expect(await findFaults(page)).toEqual([]);
  await page.goto(`${served.http}/`);
  expect(await page.getByRole('main').innerText()).toContain('Broken: git cannot read its ref');
  await page.goto(`${served.http}/ada/app`);
  await page.getByText('Broken:').locator('xpath=ancestor::li').getByRole('link').first().click();
  await page.getByText('This branch is broken: git cannot read its ref refs/heads/fix-clock').waitFor();
  expect(await findFaults(page)).toEqual([]);
  await ada.git('push', url, 'HEAD:refs/heads/fix-clock');
  await page.getByText('This branch is broken').waitFor({ state: 'detached' });
  await page.close();
});
