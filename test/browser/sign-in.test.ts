// The first person on a new forge: from the link on the console to a key, a token and the end of the session.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { findFaults } from '../support/axe.ts';
import { useBrowser } from '../support/browser.ts';
import { makeClient } from '../support/git-client.ts';
import { useServedForge } from '../support/serve.ts';

const startForge = useServedForge();
const browser = useBrowser();

test(
  'the link on the console makes the admin, who adds a key, pushes, makes a token and signs out',
  { timeout: 90_000 },
  async () => {
    const served = await startForge();
    const page = await (await browser()).newPage();
    await page.goto(served.adminLink ?? '');
    await page.getByLabel('Your name on this forge').fill('ada');
    await page.getByRole('button', { name: 'Create my account' }).click();
    await page.waitForURL(`${served.http}/`);
    expect(await page.getByRole('main').innerText()).toContain('No repository yet');

    const client = await makeClient(served.folder, { name: 'ada' });
    await page.getByRole('link', { name: /Account: ada/ }).click();
    await page.getByLabel('Public key').fill(readFileSync(`${client.key.file}.pub`, 'utf8'));
    await page.getByRole('button', { name: 'Add key' }).click();
    expect(await page.getByRole('main').innerText()).toContain('SHA256:');

    await client.commit('Begin', { 'a.txt': 'one\n' });
    await client.git(
      'push',
      '--quiet',
      `ssh://git@127.0.0.1:${served.sshPort}/ada/app.git`,
      'HEAD:refs/heads/main',
    );
    await page.goto(served.http);
    expect(await page.getByRole('main').innerText()).toContain('ada/app');

    await page.goto(`${served.http}/account`);
    await page.getByRole('button', { name: 'Create token' }).click();
    const token = await page.locator('section', { hasText: 'The new token' }).locator('code').innerText();
    const answer = await fetch(`${served.http}/api/v1/whoami`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(await answer.json()).toMatchObject({ name: 'ada', role: 'admin' });

    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      for (const path of ['/', '/account', '/admin', '/ada/app']) {
        await page.goto(served.http + path);
        expect(await findFaults(page), `${path} ${colorScheme}`).toEqual([]);
      }
    }
    await page.setViewportSize({ width: 360, height: 740 });
    for (const path of ['/', '/account', '/admin', '/ada/app']) {
      await page.goto(served.http + path);
      expect(await page.evaluate('document.documentElement.scrollWidth'), path).toBeLessThanOrEqual(360);
    }

    await page.goto(`${served.http}/account`);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(`${served.http}/`);
    expect((await page.goto(`${served.http}/account`))?.status()).toBe(401);
    expect((await page.goto(served.adminLink ?? ''))?.status()).toBe(400);
    await page.close();
  },
);
