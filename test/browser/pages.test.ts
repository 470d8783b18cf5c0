// Pages as people meet them: with lanes in every state, without script, by keyboard, and alive. That no page has a fault
// that axe finds stands in every-page.test.ts.
import { expect, test } from 'vitest';
import { findFaults } from '../support/axe.ts';
import { useBrowser } from '../support/browser.ts';
import { useServedForge, type ServedForge } from '../support/serve.ts';
import { pushBranch, pushProject, manifestOf } from '../support/sample-project.ts';

const startForge = useServedForge();
const browser = useBrowser();

/** A forge whose tour is complete: one branch merged, one open, both with their lanes ended. */
async function startTour(): Promise<ServedForge> {
  const served = await startForge({ welcome: true });
  const states = async () => {
    const response = await fetch(`${served.http}/api/v1/repos/welcome/tour/branches/2`);
    if (!response.ok) return 'not there yet';
    const { run, tutorial } = (await response.json()) as {
      run: { state: string } | null;
      tutorial: { state: string } | null;
    };
    return `${run?.state} ${tutorial?.state}`;
  };
  await expect.poll(states, { timeout: 20_000 }).toBe('success ready');
  return served;
}

test(
  'axe finds no fault with lanes in every state, wide or narrow, and nothing scrolls sideways',
  { timeout: 90_000 },
  async () => {
    const served = await startForge();
    const page = await (await browser()).newPage({ reducedMotion: 'reduce' });
    await page.goto(served.adminLink ?? '');
    await page.getByLabel('Your name').fill('root');
    await page.getByRole('main').getByRole('button').click();
    await page.waitForURL(`${served.http}/`);
    const ada = await served.person('ada');
    const lanes = [
      { id: 'unit', command: 'exit 1' },
      { id: 'docs', command: 'true', paths: ['docs/**'] },
      ...['slow', 'slower', 'queued'].map((id) => ({ id, command: 'sleep 100' })),
    ];
    const files = { 'a.txt': 'one\n', '.pika/lanes.toml': manifestOf(lanes) };
    await pushProject(served, { client: ada, repo: 'ada/app', files });
    await pushBranch(ada, { name: 'work', message: 'Change it', files: { 'a.txt': 'two\n' } });
    const cells = async () => {
      await page.goto(`${served.http}/ada/app/branches/1`);
      return page.locator('.lane-cell').allInnerTexts();
    };
    await expect.poll(async () => (await cells()).join(' '), { timeout: 20_000 }).toMatch(/failed:\s+unit/);
    for (const width of [1280, 360]) {
      await page.setViewportSize({ width, height: 800 });
      for (const path of [
        '/',
        '/account',
        '/admin',
        '/ada/app/branches/1',
        '/ada/app/runs/1',
        '/ada/app/lfs',
      ]) {
        await page.goto(served.http + path);
        expect(await findFaults(page), `${path} ${width}`).toEqual([]);
        expect(await page.evaluate('document.documentElement.scrollWidth'), path).toBeLessThanOrEqual(width);
      }
    }
    await page.close();
  },
);

test('pages work without script', { timeout: 60_000 }, async () => {
  const served = await startTour();
  const context = await (await browser()).newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${served.http}/welcome/tour/branches/2`);
  await page.getByRole('link', { name: 'Changes' }).click();
  expect(await page.getByRole('main').innerText()).toContain('greetings.sh');
  await context.close();
});

test('the theme is remembered and the keyboard leads around', { timeout: 60_000 }, async () => {
  const served = await startTour();
  const page = await (await browser()).newPage({ colorScheme: 'light' });
  await page.goto(`${served.http}/welcome/tour/branches/2`);
  const background = () => page.evaluate('getComputedStyle(document.documentElement).backgroundColor');
  const light = await background();
  await page.getByRole('button', { name: /Theme/ }).click();
  await page.getByRole('button', { name: /Theme/ }).click();
  expect(await background()).not.toBe(light);
  await page.reload();
  expect(await background()).not.toBe(light);

  await page.keyboard.press('?');
  expect(await page.getByRole('dialog', { name: 'Keys' }).isVisible()).toBe(true);
  await page.keyboard.press('Escape');
  await page.keyboard.press('f');
  await page.waitForURL(/tab=changes/);
  await page.keyboard.press('j');
  expect(await page.evaluate('document.activeElement.className')).toContain('file-diff');
  await page.keyboard.press('g');
  await page.keyboard.press('h');
  await page.waitForURL(`${served.http}/`);
  await page.close();
});

test('an open page follows a push, a lane and a restart by itself', { timeout: 90_000 }, async () => {
  const served = await startForge();
  const ada = await served.person('ada', 'admin');
  const files = { 'a.txt': 'one\n', '.pika/lanes.toml': manifestOf([{ id: 'unit', command: 'echo fine' }]) };
  await pushProject(served, { client: ada, repo: 'ada/app', files });
  const link = await served.operate('repo', 'create', 'ada/shown', '--public');
  expect(link.status).toBe(0);
  const page = await (await browser()).newPage();
  await page.goto(`${served.http}/ada/shown`);
  await expect.poll(() => page.locator('[data-live-state]').innerText()).toBe('live');

  await ada.git('push', '--quiet', `ssh://git@127.0.0.1:${served.sshPort}/ada/shown.git`, 'main');
  await ada.git('remote', 'set-url', 'origin', `ssh://git@127.0.0.1:${served.sshPort}/ada/shown.git`);
  await pushBranch(ada, { name: 'first', message: 'The first change', files: { 'a.txt': 'two\n' } });
  await expect.poll(() => page.getByRole('main').innerText()).toContain('The first change');
  await expect.poll(() => page.getByRole('main').innerText()).toContain('success');

  await served.kill();
  await expect.poll(() => page.locator('[data-live-state]').innerText()).toBe('reconnecting');
  await served.restart();
  await pushBranch(ada, { name: 'second', message: 'The second change', files: { 'a.txt': 'three\n' } });
  await expect
    .poll(() => page.getByRole('main').innerText(), { timeout: 20_000 })
    .toContain('The second change');
  await page.close();
});

test('what is being read stays, and a newer revision is offered', { timeout: 60_000 }, async () => {
  const served = await startForge();
  const ada = await served.person('ada', 'admin');
  await served.operate('repo', 'create', 'ada/app', '--public');
  await pushProject(served, { client: ada, repo: 'ada/app', files: { 'a.txt': 'one\n' } });
  await pushBranch(ada, { name: 'work', message: 'Change it', files: { 'a.txt': 'two\n' } });
  const page = await (await browser()).newPage();
  const status = () =>
    page.request.get(`${served.http}/ada/app/branches/1`).then((answer) => answer.status());
  await expect.poll(status).toBe(200);
  await page.goto(`${served.http}/ada/app/branches/1?tab=changes`);
  await expect.poll(() => page.locator('[data-live-state]').innerText()).toBe('live');
  const offer = page.getByRole('link', { name: 'Show it' });
  expect(await offer.isVisible()).toBe(false);
  await ada.commit('Change it again', { 'a.txt': 'three\n' });
  await ada.git('push', '--quiet', 'origin', 'work');
  await offer.waitFor();
  const shown = () => page.locator('#files ~ .center').innerText();
  expect(await shown()).toContain('two');
  await offer.click();
  await expect.poll(shown).toContain('three');
  expect(await offer.isVisible()).toBe(false);
  await page.close();
});
