// The merge box and the page of conflicts in a real Chromium: by keys, without script, narrow, and by what axe asks.
import type { Browser, Page } from 'playwright-core';
import { expect, test, vi } from 'vitest';
import { findFaults } from '../support/axe.ts';
import { useBrowser } from '../support/browser.ts';
import type { GitClient } from '../support/git-client.ts';
import { useServedForge, type ServedForge } from '../support/serve.ts';
import { signIn } from '../support/sign-in.ts';

const startForge = useServedForge();
const browser = useBrowser();
const patience = 120_000;
// A machine that runs all tests at once takes its time for two browsers' worth of pages.
vi.setConfig({ testTimeout: 180_000 });

/** A forge whose main and branch #2 change the same line; #1 has landed before. */
async function stage() {
  const served = await startForge();
  const ada = await served.person('ada', 'admin');
  const url = `ssh://git@127.0.0.1:${served.sshPort}/ada/app.git`;
  await ada.commit('Start', { 'a.txt': 'one\n' });
  await ada.git('push', url, 'main');
  const push = async (name: string, text: string) => {
    await ada.git('checkout', '--quiet', '-b', name, 'main');
    const head = await ada.commit(`Say ${name}`, { 'a.txt': text });
    await ada.git('push', url, name);
    return head;
  };
  const first = await push('first', 'ours\n');
  await push('second', 'theirs\n');
  const token = await served.token('ada', 'admin');
  const ask = (path: string, body: object) =>
    fetch(`${served.http}/api/v1/repos/ada/app/branches/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  await expect.poll(async () => (await ask('1/merge', { head: first })).status).toBe(200);
  return { served, ada };
}

async function openSignedIn(
  { served, ada }: { served: ServedForge; ada: GitClient },
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<Page> {
  const context = await (await browser()).newContext({ reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(patience);
  await signIn(page, served, ada);
  return page;
}

test('a branch is held and let go by keys, and its conflicts are read, narrow and without script', async () => {
  const staged = await stage();
  const { http } = staged.served;
  const page = await openSignedIn(staged);
  await page.goto(`${http}/ada/app/branches/2`);
  await page.locator('#hold-tools > summary').focus();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await page.keyboard.type('the demo runs');
  await page.keyboard.press('Enter');
  await page.getByText('ada holds the branch: the demo runs.').waitFor();
  expect(await findFaults(page)).toEqual([]);
  await page.locator('[id^="lift-"]').focus();
  await page.keyboard.press('Enter');
  await page.getByText('ada holds the branch').waitFor({ state: 'detached' });

  const plain = await openSignedIn(staged, {
    javaScriptEnabled: false,
    viewport: { width: 360, height: 780 },
  });
  await plain.goto(`${http}/ada/app/branches/2`);
  await plain.locator('#hold-tools > summary').click();
  await plain.getByRole('button', { name: 'Mark as a draft' }).click();
  await plain.getByRole('button', { name: 'Ready' }).click();
  await plain.getByText('is a draft').waitFor({ state: 'detached' });
  await plain.getByRole('link', { name: /conflicts with main/ }).click();
  await plain.waitForURL(/\/branches\/2\/conflicts$/);
  const place = plain.getByRole('group', { name: 'Place 1 in a.txt' });
  expect(await place.innerText()).toMatch(/main has\s+ours\s+second has\s+theirs/);
  const width = await plain.locator('main').evaluate((main) => [main.scrollWidth, main.clientWidth]);
  expect(width[0]).toBe(width[1]);

  await page.goto(`${http}/ada/app/branches/2/conflicts`);
  expect(await findFaults(page)).toEqual([]);
});
