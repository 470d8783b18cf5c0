// What the page of a failed lane shows of the debug shell, in a real browser: how to open one, who is in it, and the end
// of it by keys alone.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Page } from 'playwright-core';
import { expect, test, vi } from 'vitest';
import { findFaults } from '../support/axe.ts';
import { useBrowser } from '../support/browser.ts';
import { useServedForge } from '../support/serve.ts';
import { signIn } from '../support/sign-in.ts';
import { sshArguments } from '../support/ssh.ts';

const startForge = useServedForge();
const browser = useBrowser();
const patience = 100_000;
vi.setConfig({ testTimeout: 180_000 });

/** A failed lane, and its page for somebody who may write. */
async function failLane(): Promise<{ page: Page; open: () => Promise<() => Promise<unknown>> }> {
  const served = await startForge();
  const ada = await served.person('ada', 'admin');
  const url = `ssh://git@127.0.0.1:${served.sshPort}/ada/app.git`;
  await ada.commit('Start', { 'README.md': '# App\n' });
  await ada.git('push', '--quiet', url, 'main');
  await ada.git('checkout', '--quiet', '-b', 'work');
  await ada.commit('Lane', { '.pika/lanes.toml': '[[lane]]\nid = "unit"\ncommand = "exit 3"\n' });
  await ada.git('push', '--quiet', url, 'work');
  const ssh = [...sshArguments(ada.key, served.sshPort), 'git@127.0.0.1'];
  const context = await (await browser()).newContext({ reducedMotion: 'reduce' });
  const page = await context.newPage();
  page.setDefaultTimeout(patience);
  await signIn(page, served, ada);
  const address = `${served.http}/ada/app/runs/1/lanes/unit`;
  await vi.waitFor(
    async () => {
      await page.goto(address);
      expect(await page.getByRole('heading', { name: 'Debug shell' }).count()).toBe(1);
    },
    { timeout: patience, interval: 200 },
  );
  const open = async () => {
    const child = spawn(ssh[0] ?? '', [...ssh.slice(1), 'shell ada/app 1 unit'], { env: ada.env });
    const ended = once(child, 'exit');
    child.stdin.write('echo up\n');
    await once(child.stdout, 'data');
    await page.goto(address);
    return () => ended;
  };
  return { page, open };
}

test('the panel of the debug shell is whole in both themes, wide and narrow, open and closed', async () => {
  const { page, open } = await failLane();
  const panel = page.getByRole('region', { name: 'Debug shell' });
  const look = async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const width of [1280, 360]) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 900 });
        expect(await findFaults(page)).toEqual([]);
        const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
        expect(overflow).toBeLessThanOrEqual(0);
      }
    }
  };
  expect(await panel.textContent()).toMatch(/ssh -t -p \d+ git@127\.0\.0\.1 shell ada\/app 1 unit/);
  // Times to come, which the page's script must not show as times gone by.
  expect(await panel.textContent()).toMatch(/kept for \d\d min more/);
  await look();
  const ended = await open();
  expect(await panel.textContent()).toMatch(
    /ada has a shell open in it since .*; it ends in \d\d min at most/,
  );
  await look();
  await panel.getByRole('button', { name: 'End this shell' }).focus();
  await page.keyboard.press('Enter');
  await ended();
  await vi.waitFor(
    async () => {
      await page.reload();
      expect(await panel.textContent()).toContain('ended from the page');
    },
    { timeout: patience, interval: 100 },
  );
});
