// Nostr in a real browser, with a provider (NIP-07) that holds a real key and signs real events.
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import type { EventTemplate } from '../../src/lib/nostr-event.ts';
import { npubOf, publicKeyOf, signEvent } from '../../src/lib/nostr.ts';
import { findFaults } from '../support/axe.ts';
import { useBrowser } from '../support/browser.ts';
import { useServedForge } from '../support/serve.ts';

const startForge = useServedForge();
const browser = useBrowser();

/** A page in a browser whose extension holds the key; like real ones, it is there a little after the page. */
async function pageWith(secretKey: Uint8Array): Promise<Page> {
  const page = await (await browser()).newPage();
  await page.exposeFunction('signHere', (template: EventTemplate) => signEvent(secretKey, template));
  await page.addInitScript(`
    addEventListener('load', () => {
      window.nostr = { signEvent: (event) => window.signHere(event) };
    });
  `);
  return page;
}

test(
  'a key is added on the account page, signs in from then on, and no more when it is removed',
  { timeout: 90_000 },
  async () => {
    const served = await startForge();
    const secretKey = randomBytes(32);
    const page = await pageWith(secretKey);
    await page.goto(served.adminLink ?? '');
    await page.getByLabel('Your name on this forge').fill('ada');
    await page.getByRole('button', { name: 'Create my account' }).click();
    await page.waitForURL(`${served.http}/`);

    await page.goto(`${served.http}/account`);
    await page.getByRole('button', { name: 'Add the key of this browser' }).click();
    await page.getByText(npubOf(publicKeyOf(secretKey))).waitFor();
    expect(await findFaults(page)).toEqual([]);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(`${served.http}/`);

    await page.goto(`${served.http}/login?return=/account`);
    await page.getByRole('button', { name: 'Sign in with Nostr' }).waitFor();
    expect(await findFaults(page)).toEqual([]);
    await page.getByRole('button', { name: 'Sign in with Nostr' }).click();
    await page.waitForURL(`${served.http}/account`);
    expect(await page.getByRole('heading', { name: 'ada' }).count()).toBe(1);
    const cookie = (await page.context().cookies()).find(({ name }) => name === 'pika_session');
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Lax' });

    await page.getByRole('button', { name: /^Remove the key npub1/ }).click();
    await page.getByText('No key yet. One is added').waitFor();
    await page.context().clearCookies();
    await page.goto(`${served.http}/login`);
    await page.getByRole('button', { name: 'Sign in with Nostr' }).click();
    await page.getByText(/belongs to no account of this forge/).waitFor();
    await page.close();
  },
);

test('without an extension the sign-in page does not speak of it', { timeout: 60_000 }, async () => {
  const served = await startForge();
  await served.person('ada');
  const page = await (await browser()).newPage();
  await page.goto(`${served.http}/login`);
  expect(await page.getByRole('button', { name: 'Sign in with Nostr' }).isVisible()).toBe(false);
  await page.close();
});

test('the page signs for no other address than its own', { timeout: 60_000 }, async () => {
  const served = await startForge({ settings: 'publicUrl = "https://git.example.org"\n' });
  await served.person('ada', 'admin');
  const page = await pageWith(randomBytes(32));
  await page.goto(`${served.http}/login`);
  await page.getByRole('button', { name: 'Sign in with Nostr' }).click();
  await page.getByText('This forge signs in at https://git.example.org; open it there.').waitFor();
  await page.close();
});
