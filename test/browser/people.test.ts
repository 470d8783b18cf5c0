// An admin invites somebody in one browser, who joins in another, with nothing but the link.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { findFaults } from '../support/axe.ts';
import { useBrowser } from '../support/browser.ts';
import { makeClient } from '../support/git-client.ts';
import { useServedForge } from '../support/serve.ts';

const startForge = useServedForge();
const browser = useBrowser();

test(
  'an invitation, the account it makes, an agent and a disabled account',
  { timeout: 120_000 },
  async () => {
    const served = await startForge();
    const admin = await (await browser()).newPage();
    await admin.goto(served.adminLink ?? '');
    await admin.getByLabel('Your name on this forge').fill('ada');
    await admin.getByRole('button', { name: 'Create my account' }).click();
    await admin.waitForURL(`${served.http}/`);
    await admin.goto(`${served.http}/admin`);
    await admin.getByRole('link', { name: 'People and invitations' }).click();
    await admin.getByLabel('For whom').fill('Bea <new>');
    await admin.getByRole('button', { name: 'Invite' }).click();
    const link = await admin.locator('section', { hasText: 'Your invitation' }).locator('code').innerText();
    expect(link).toMatch(new RegExp(`^${served.http}/join/invite_`));

    const guest = await (await (await browser()).newContext()).newPage();
    const client = await makeClient(served.folder, { name: 'bea' });
    await guest.goto(link);
    expect(await guest.getByRole('main').innerText()).toContain('ada invites you as a member');
    expect(await findFaults(guest)).toEqual([]);
    await guest.getByLabel('Your name on this forge').fill('bea');
    await guest.getByLabel('SSH public key').fill(readFileSync(`${client.key.file}.pub`, 'utf8'));
    await guest.getByRole('button', { name: 'Create my account' }).click();
    await guest.waitForURL(`${served.http}/`);
    expect((await guest.goto(link))?.status()).toBe(400);
    expect((await guest.goto(`${served.http}/admin/people`))?.status()).toBe(403);
    await client.commit('Begin', { 'a.txt': 'one\n' });
    const url = `ssh://git@127.0.0.1:${served.sshPort}/bea/app.git`;
    await client.git('push', '--quiet', url, 'HEAD:refs/heads/main');

    await admin.goto(`${served.http}/admin/people`);
    await admin.getByLabel('Name').fill('bot');
    await admin.getByRole('button', { name: 'Make the agent' }).click();
    const token = await admin.locator('section', { hasText: 'The token of bot' }).locator('code').innerText();
    const answer = await fetch(`${served.http}/api/v1/whoami`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(await answer.json()).toMatchObject({ name: 'bot', kind: 'agent' });

    await guest.goto(`${served.http}/bea/app/settings`);
    await guest.getByRole('link', { name: 'Manage members' }).click();
    await guest.getByLabel('Account').fill('bot');
    await guest.getByRole('button', { name: 'Add member' }).click();
    await guest.getByRole('button', { name: 'Remove bot' }).waitFor();
    expect(await findFaults(guest)).toEqual([]);
    await guest.setViewportSize({ width: 360, height: 740 });
    expect(await guest.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
    await guest.getByLabel('Account').fill('nobody');
    await guest.getByRole('button', { name: 'Add member' }).click();
    expect(await guest.getByRole('alert').innerText()).toContain('There is no account "nobody"');

    for (const colorScheme of ['light', 'dark'] as const) {
      await admin.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      expect(await findFaults(admin), colorScheme).toEqual([]);
    }
    await admin.setViewportSize({ width: 360, height: 740 });
    expect(await admin.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);

    await admin.getByRole('button', { name: 'Disable bea' }).click();
    await admin.getByRole('button', { name: 'Enable bea' }).waitFor();
    expect((await guest.goto(`${served.http}/account`))?.status()).toBe(401);
    await expect(client.git('ls-remote', url)).rejects.toThrow();
    await admin.close();
    await guest.context().close();
  },
);
