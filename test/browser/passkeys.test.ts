// Passkeys in a real browser with its virtual authenticator: alone, as a second factor, and when they are lost.
import { expect, test } from 'vitest';
import type { CDPSession, Page } from 'playwright-core';
import { findFaults } from '../support/axe.ts';
import { useBrowser } from '../support/browser.ts';
import { useServedForge } from '../support/serve.ts';
import { loginLink } from '../support/sign-in.ts';

const startForge = useServedForge();
const browser = useBrowser();

/** Plugs an authenticator into the page that holds passkeys and sees who touches it. */
async function plugIn(page: Page): Promise<{ unplug: () => Promise<void> }> {
  const session: CDPSession = await page.context().newCDPSession(page);
  await session.send('WebAuthn.enable');
  const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return {
    unplug: async () => void (await session.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId })),
  };
}

async function looksGood(page: Page): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    expect(await findFaults(page), `${page.url()} ${colorScheme}`).toEqual([]);
  }
  const before = page.viewportSize();
  await page.setViewportSize({ width: 360, height: 740 });
  expect(await page.evaluate('document.documentElement.scrollWidth'), page.url()).toBeLessThanOrEqual(360);
  if (before !== null) await page.setViewportSize(before);
}

const signOut = async (page: Page): Promise<void> => {
  await page.goto(new URL('/account', page.url()).href);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('link', { name: 'Sign in', exact: true }).waitFor();
};

test(
  'a passkey signs in alone, is asked for as a second factor, and a recovery link lets in who lost it',
  { timeout: 180_000 },
  async () => {
    const served = await startForge({ host: 'localhost' });
    const ada = await served.person('ada', 'admin');
    const bea = await served.person('bea');
    const page = await (await browser()).newPage();
    const { unplug } = await plugIn(page);
    await page.goto(await loginLink(served, bea));
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.waitForURL(`${served.http}/`);

    await page.goto(`${served.http}/account`);
    await page.getByLabel('Name of the new passkey').fill('laptop');
    await page.getByRole('button', { name: 'Add a passkey' }).click();
    await page.getByRole('button', { name: 'Remove the passkey laptop' }).waitFor();
    await page.getByText('Rename the passkey laptop').click();
    await page.getByLabel('New name of laptop').fill('office laptop');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('button', { name: 'Remove the passkey office laptop' }).waitFor();
    await looksGood(page);

    await signOut(page);
    await page.goto(`${served.http}/login?return=/account`);
    await page.getByRole('button', { name: 'Sign in with a passkey' }).waitFor();
    await looksGood(page);
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
    await page.getByRole('heading', { name: 'bea' }).waitFor();

    await page.getByRole('button', { name: 'Ask for a passkey as well' }).click();
    await page.getByRole('button', { name: 'Switch the second factor off' }).waitFor();
    await signOut(page);
    await page.goto(await loginLink(served, bea));
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByRole('heading', { name: 'One more proof' }).waitFor();
    await looksGood(page);
    // One proof of two is none yet.
    const half = await page.context().cookies();
    expect(half.map(({ name }) => name)).toEqual(['pika_half']);
    expect((await page.request.get(`${served.http}/account`)).status()).toBe(401);
    await page.getByRole('button', { name: 'Use a passkey' }).click();
    await page.waitForURL(`${served.http}/`);
    await signOut(page);

    await unplug();
    await plugIn(page);
    await page.goto(`${served.http}/login`);
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
    await page.getByText('No passkey was used').waitFor();

    const admin = await (await (await browser()).newContext()).newPage();
    await admin.goto(await loginLink(served, ada));
    await admin.getByRole('button', { name: 'Sign in', exact: true }).click();
    await admin.waitForURL(`${served.http}/`);
    await admin.goto(`${served.http}/admin/people`);
    await admin.getByRole('button', { name: 'Recovery link for bea' }).click();
    const back = admin.locator('section', { hasText: 'A way back for bea' });
    const link = await back.locator('code').innerText();
    await looksGood(admin);
    await page.goto(link);
    await page.getByText('the second factor is switched off').waitFor();
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.waitForURL(`${served.http}/account`);
    await page.getByRole('button', { name: 'Ask for a passkey as well' }).waitFor();
    await page.getByRole('button', { name: 'Remove the passkey office laptop' }).click();
    await page.getByText('Add a passkey').waitFor();
    expect(await page.getByText('office laptop').count()).toBe(0);
    expect((await page.goto(link))?.status()).toBe(400);
    await admin.context().close();
    await page.close();
  },
);
