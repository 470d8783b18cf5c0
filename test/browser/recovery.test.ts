// What a person does in a browser about CI that is stuck: with keys alone, without script, and while the page changes
// under them. The forge, the lane that hangs and Chromium are real.
import type { Browser, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { findFaults } from '../support/axe.ts';
import { useBrowser } from '../support/browser.ts';
import { useServedForge, type ServedForge } from '../support/serve.ts';
import type { GitClient } from '../support/git-client.ts';
import { signIn } from '../support/sign-in.ts';

const startForge = useServedForge();
const browser = useBrowser();
const patience = 120_000;

const lane = (id: string, command: string): string => `[[lane]]\nid = "${id}"\ncommand = "${command}"\n`;

/** A forge with one place, on which a lane hangs that ignores SIGTERM, and another that waits for the place. */
async function stage() {
  const served = await startForge({ settings: '[ci]\nconcurrency = 1\ngraceSeconds = 600\n' });
  const ada = await served.person('ada', 'admin');
  const url = `ssh://git@127.0.0.1:${served.sshPort}/ada/app.git`;
  await ada.commit('Start', { 'README.md': '# App\n' });
  await ada.git('push', url, 'main');
  await ada.git('checkout', '--quiet', '-b', 'work');
  const lanes = lane('hangs', "trap '' TERM; echo up; sleep 600") + lane('waits', 'echo done');
  await ada.commit('Hang', { '.pika/lanes.toml': lanes });
  await ada.git('push', url, 'work');
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

/** Asks the API as ada. */
function asker({ served }: { served: ServedForge }, token: string) {
  return async (path: string, body?: object): Promise<unknown> => {
    const response = await fetch(`${served.http}/api/v1${path}`, {
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
    return response.json();
  };
}

const lanesOf = (run: unknown) => (run as { lanes: { state: string }[] }).lanes.map(({ state }) => state);

test('a lane that hangs is marked failed with keys alone, and CI is paused and resumed; what is typed stays', async () => {
  const staged = await stage();
  const { http } = staged.served;
  const ask = asker(staged, await staged.served.token('ada', 'admin'));
  const page = await openSignedIn(staged);
  await page.goto(`${http}/ada/app/runs/1/lanes/hangs`);
  await page.getByText('up', { exact: true }).waitFor();
  await page.locator('#recovery > summary').focus();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await page.keyboard.type('it hangs on the old runner');
  // Return in the field gives no order by accident; the first button is dead on purpose.
  await page.keyboard.press('Enter');

  const admin = await page.context().newPage();
  admin.setDefaultTimeout(patience);
  await admin.goto(`${http}/admin`);
  await admin.locator('#ci-reason').pressSequentially('a disk');
  await admin.keyboard.press('Home');
  await admin.keyboard.type('new ');
  // Something else changes, and the section is drawn anew under the hands of who types.
  await ask('/repos/ada/app/runs/1/fail-lane', { lane: 'waits' });
  await admin.getByText('Nothing waits.').waitFor();
  await admin.keyboard.type('of ');
  expect(await admin.locator('#ci-reason').inputValue()).toBe('new of a disk');
  expect(await findFaults(admin)).toEqual([]);
  await admin.keyboard.press('Enter');
  await admin.getByText('CI is paused', { exact: true }).waitFor();

  expect(lanesOf(await ask('/repos/ada/app/runs/1'))).toEqual(['running', 'failed']);
  expect(await findFaults(page)).toEqual([]);
  await page.locator('#recovery-fail-lane').focus();
  await page.keyboard.press('Enter');
  await page.locator('#rerun-lane').waitFor();
  expect(await page.getByRole('main').innerText()).toContain(
    'marked failed by ada: it hangs on the old runner',
  );
  expect(lanesOf(await ask('/repos/ada/app/runs/1'))).toEqual(['failed', 'failed']);

  await page.locator('#rerun-lane').click();
  await page.getByText('CI is paused', { exact: true }).first().waitFor();
  await admin.getByRole('button', { name: 'Resume' }).focus();
  await admin.keyboard.press('Enter');
  // The lane page notices by itself that the lane runs again, and offers to requeue it.
  await page.locator('#recovery-requeue-lane').waitFor({ state: 'attached' });
  await ask('/repos/ada/app/runs/1/cancel', { force: true });
  await page.locator('#rerun-lane').waitFor();
}, 480_000);

test('all of it works without script, on a narrow page', async () => {
  const staged = await stage();
  const { http } = staged.served;
  const ask = asker(staged, await staged.served.token('ada', 'admin'));
  const page = await openSignedIn(staged, {
    javaScriptEnabled: false,
    viewport: { width: 360, height: 780 },
  });
  const shows = (path: string, text: string) =>
    expect
      .poll(
        async () => {
          await page.goto(http + path);
          return page.getByRole('main').innerText();
        },
        { timeout: patience, interval: 500 },
      )
      .toContain(text);
  const hanging = '/ada/app/runs/1/lanes/hangs';
  await shows(hanging, 'Recovery');
  await page.getByText('Recovery').click();
  await page.getByLabel('Reason').fill('it hangs');
  await page.getByRole('button', { name: 'Requeue' }).click();
  await shows(`${hanging}?attempt=1`, 'requeued by ada: it hangs');
  await expect
    .poll(async () => lanesOf(await ask('/repos/ada/app/runs/1'))[0], { timeout: patience, interval: 200 })
    .toBe('running');
  await page.goto(`${http}/ada/app/runs/1`);
  await page.getByText('Recovery').click();
  await page.getByRole('button', { name: 'Force-cancel' }).click();
  await shows('/ada/app/runs/1', 'cancelled by ada');
  await page.goto(`${http}/admin`);
  await page.getByLabel('Reason for a pause').fill('night');
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByText('CI is paused', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Look at everything now' }).click();
  await page.getByRole('button', { name: 'Resume' }).click();
  await page.getByRole('button', { name: 'Pause' }).waitFor();
}, 480_000);
