// Secrets and commit statuses in a real browser: with keys alone and without script, narrow and wide, in both themes.
import type { Browser, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { findFaults } from '../support/axe.ts';
import { useBrowser } from '../support/browser.ts';
import { useServedForge, type ServedForge } from '../support/serve.ts';
import type { GitClient } from '../support/git-client.ts';
import { signIn } from '../support/sign-in.ts';

const startForge = useServedForge();
const browser = useBrowser();

async function stage() {
  const served = await startForge();
  const ada = await served.person('ada');
  const url = `ssh://git@127.0.0.1:${served.sshPort}/ada/app.git`;
  await ada.commit('Start', { 'README.md': '# App\n' });
  await ada.git('push', url, 'main');
  const oid = await ada.commit('Fix the clock', { 'clock.txt': '1\n' });
  await ada.git('push', url, 'HEAD:refs/heads/fix-clock');
  return { served, ada, oid };
}

async function openSignedIn(
  served: ServedForge,
  client: GitClient,
  options: Parameters<Browser['newPage']>[0],
): Promise<Page> {
  const page = await (await browser()).newPage(options);
  page.setDefaultTimeout(120_000);
  await signIn(page, served, client);
  return page;
}

async function say(served: ServedForge, oid: string, statuses: object[]): Promise<void> {
  const token = await served.token('ada');
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  for (const status of statuses) {
    const path = `${served.http}/api/v1/repos/ada/app/commits/${oid}/statuses`;
    const { status: code } = await fetch(path, { method: 'POST', headers, body: JSON.stringify(status) });
    expect(code).toBe(201);
  }
}

const statuses = [
  { context: 'deploy/preview', state: 'success', description: 'It is up.', url: 'https://ci.example.org/1' },
  {
    context: 'scan',
    state: 'failed',
    description: `2 packages are known to be bad: ${'very-long-name-'.repeat(12)}`,
  },
  { context: `a-context-that-is-longer-than-a-narrow-page/${'x'.repeat(50)}`, state: 'running' },
];

test('no page of them has a fault that axe can find, or is wider than its window', async () => {
  const { served, ada, oid } = await stage();
  await say(served, oid, statuses);
  const page = await openSignedIn(served, ada, { reducedMotion: 'reduce' });
  const fits = async (what: string): Promise<void> => {
    expect(await findFaults(page), what).toEqual([]);
    const sideways = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
    expect(sideways, what).toBeLessThanOrEqual(0);
  };
  const pages = ['/ada/app/settings', '/ada/app/settings/secrets', '/ada/app/branches/1?tab=ci'];
  for (const width of [1280, 360]) {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme });
      const look = `${width} ${colorScheme}`;
      for (const path of pages) {
        await page.goto(served.http + path);
        await fits(`${path} ${look}`);
      }
      await page.goto(`${served.http}/ada/app/settings/secrets`);
      await page.locator('[name=name]').last().fill('NO-NAME');
      await page.locator('[name=value]').fill('123456');
      await page.getByRole('button', { name: 'Set the secret' }).click();
      await page.getByRole('alert').waitFor();
      await fits(`refused ${look}`);
      await page
        .locator('[name=name]')
        .last()
        .fill('A_RATHER_LONG_NAME_OF_A_SECRET_THAT_MUST_WRAP_SOMEWHERE');
      await page.locator('[name=value]').fill('123456');
      await page.locator('[name=refs]').fill('main deploy/* release/**/candidate-*');
      await page.getByRole('button', { name: 'Set the secret' }).click();
      await page.waitForURL(/saved=A_RATHER/);
      await fits(`saved ${look}`);
      await page.getByRole('link', { name: 'Change A_RATHER' }).click();
      await page.waitForURL(/name=A_RATHER/);
      await fits(`changed ${look}`);
    }
  }
  await page.close();
}, 900_000);

test('a secret is set, changed and removed with keys alone and without script', async () => {
  const { served, ada } = await stage();
  const page = await openSignedIn(served, ada, { javaScriptEnabled: false });
  await page.goto(`${served.http}/ada/app/settings`);
  await page.getByRole('link', { name: 'Manage secrets' }).focus();
  await page.keyboard.press('Enter');
  await page.waitForURL(/settings\/secrets$/);
  await page.locator('[name=name]').last().focus();
  await page.keyboard.type('NPM_TOKEN');
  await page.keyboard.press('Tab');
  await page.keyboard.type('tok-5f0c9d1e77ab42');
  await page.keyboard.press('Tab');
  expect(await page.locator('[name=refs]').inputValue()).toBe('main');
  await page.keyboard.press('Enter');
  await page.waitForURL(/saved=NPM_TOKEN/);
  expect(await page.getByRole('status').innerText()).toContain('Saved NPM_TOKEN');
  await page.getByRole('link', { name: 'Change NPM_TOKEN' }).focus();
  await page.keyboard.press('Enter');
  await page.waitForURL(/name=NPM_TOKEN/);
  await page.locator('[name=refs]').fill('**');
  await page.keyboard.press('Enter');
  await page.waitForURL(/saved=NPM_TOKEN/);
  expect(await page.locator('.secret-item').innerText()).toContain('**');
  expect(await page.content()).not.toContain('tok-5f0c9d1e77ab42');
  await page.getByRole('button', { name: 'Remove the secret NPM_TOKEN' }).focus();
  await page.keyboard.press('Enter');
  await page.getByText('No secrets yet').waitFor();
  await page.close();
}, 600_000);

test('what another system says stands on the open branch page as soon as it is said', async () => {
  const { served, ada, oid } = await stage();
  const page = await openSignedIn(served, ada, { reducedMotion: 'reduce' });
  await page.goto(`${served.http}/ada/app/branches/1`);
  // Only then the page hears of changes.
  await page
    .locator('[data-live-state]')
    .filter({ hasText: /^live$/ })
    .waitFor({ state: 'attached', timeout: 300_000 });
  await say(served, oid, statuses.slice(0, 1));
  const said = page.getByRole('group', { name: 'Said by other systems' });
  await said.waitFor({ timeout: 300_000 });
  expect(await said.getByRole('link').getAttribute('href')).toBe('https://ci.example.org/1');
  await page.close();
}, 600_000);
