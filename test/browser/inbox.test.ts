// What needs somebody comes to the page that is open, is gone through by keys, and is told to another system meanwhile.
import type { Page } from 'playwright-core';
import { expect, onTestFinished, test } from 'vitest';
import { findFaults } from '../support/axe.ts';
import { useBrowser } from '../support/browser.ts';
import { useServedForge } from '../support/serve.ts';
import { openReceiver } from '../webhooks/receiver.ts';

const browser = useBrowser();
const startForge = useServedForge();

/** Keys act when the page's script has run, which is before its load is told. */
async function press(page: Page, key: string): Promise<void> {
  await page.waitForLoadState('load');
  await page.keyboard.press(key);
}

test(
  'two branches of a colleague arrive live, are read and dismissed by keys, and a webhook hears of them',
  { timeout: 300_000 },
  async () => {
    const served = await startForge({ settings: '[webhooks]\nallowedRanges = ["127.0.0.1"]\n' });
    const receiver = await openReceiver();
    onTestFinished(receiver.close);
    const page = await (await browser()).newPage();
    page.setDefaultTimeout(120_000);
    await page.goto(served.adminLink ?? '');
    await page.getByLabel('Your name on this forge').fill('ada');
    await page.getByRole('button', { name: 'Create my account' }).click();
    await page.waitForURL(`${served.http}/`);
    const ben = await served.person('ben', 'admin');
    const origin = `ssh://git@127.0.0.1:${served.sshPort}/ada/app.git`;
    await ben.commit('Begin', { 'a.txt': 'one\n' });
    await ben.git('push', '--quiet', origin, 'HEAD:refs/heads/main');

    await page.goto(`${served.http}/ada/app/settings/webhooks`);
    await page.getByLabel('Address').fill(receiver.url);
    await page.getByRole('button', { name: 'Add the webhook' }).click();
    expect(await page.locator('section', { hasText: 'Its secret' }).locator('code').innerText()).toMatch(
      /^whsec_/,
    );
    expect(await findFaults(page)).toEqual([]);

    await page.goto(`${served.http}/inbox`);
    await page.getByText('Nothing needs you').waitFor();
    for (const name of ['first', 'second']) {
      await ben.git('switch', '--quiet', '-c', name, 'main');
      await ben.commit(`The ${name} change`, { [`${name}.txt`]: 'one\n' });
      await ben.git('push', '--quiet', origin, name);
    }
    // Nobody reloads the page.
    await page.getByRole('link', { name: 'The second change' }).waitFor();
    const main = page.getByRole('navigation', { name: 'Main' });
    await main.getByRole('link', { name: 'Inbox 2 unread', exact: true }).waitFor();
    expect(await findFaults(page)).toEqual([]);
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);

    await page.getByRole('link', { name: 'Review all' }).click();
    const bar = page.getByRole('complementary', { name: 'Inbox' });
    expect(await bar.innerText()).toContain('1 of 2');
    expect(await bar.innerText()).toContain('ben asks for your review');
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toContain('The second change');
    expect(await findFaults(page)).toEqual([]);
    await press(page, ']');
    await bar.getByText('2 of 2').waitFor();
    await press(page, '[');
    await bar.getByText('1 of 2').waitFor();
    await press(page, 'd');
    await bar.getByText('1 of 1').waitFor();
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toContain('The first change');
    await press(page, 'd');
    await page.getByText('Nothing needs you').waitFor();

    const told = () => receiver.received.map(({ headers }) => headers['x-pika-event']);
    await expect
      .poll(told, { timeout: 60_000 })
      .toEqual(expect.arrayContaining(['push', 'branch', 'push', 'branch']));
  },
);
