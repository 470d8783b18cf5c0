// `ph login` without a key: the program shows a code, and a person approves it in a real browser.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { findFaults } from '../support/axe.ts';
import { useBrowser } from '../support/browser.ts';
import { useServedForge } from '../support/serve.ts';

const startForge = useServedForge();
const browser = useBrowser();
const launcher = fileURLToPath(new URL('../../src/ph/ph', import.meta.url));

/** `ph login`, and the address that it asks to open. */
async function beginLogin(folder: string, origin: string) {
  const program = spawn('sh', [launcher, 'login', origin], {
    env: { PATH: process.env['PATH'], HOME: folder, XDG_CONFIG_HOME: join(folder, 'config') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(program, 'close');
  const output = text(program.stdout);
  const said: string[] = [];
  const address = Promise.withResolvers<string>();
  createInterface(program.stderr).on('line', (line) => {
    said.push(line);
    const link = /^Open +(\S+)$/.exec(line)?.[1];
    if (link !== undefined) address.resolve(link);
  });
  const end = async () => ({
    status: (await ended)[0] as number,
    output: await output,
    said: said.join('\n'),
  });
  return { url: await address.promise, end };
}

test(
  'ph is signed in when a person approves it, and told when it is denied',
  { timeout: 120_000 },
  async () => {
    const served = await startForge();
    const page = await (await browser()).newPage();
    await page.goto(served.adminLink ?? '');
    await page.getByLabel('Your name on this forge').fill('ada');
    await page.getByRole('button', { name: 'Create my account' }).click();
    await page.waitForURL(`${served.http}/`);

    const first = await beginLogin(served.folder, served.http);
    await page.goto(first.url);
    const code = new URL(first.url).searchParams.get('code') ?? 'none';
    expect(await page.getByRole('main').innerText()).toContain(code);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      expect(await findFaults(page), colorScheme).toEqual([]);
    }
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
    await page.getByRole('button', { name: 'Approve' }).click();
    await page.getByText('Go back to the terminal').waitFor();
    expect(await first.end()).toMatchObject({
      status: 0,
      output: `signed in to ${served.http} as ada\n`,
      said: expect.stringContaining(`The code is ${code}.`),
    });

    const second = await beginLogin(served.folder, served.http);
    await page.goto(`${served.http}/login/approve`);
    await page
      .getByLabel('The code that the program shows')
      .fill(new URL(second.url).searchParams.get('code') ?? '');
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByRole('button', { name: 'Deny' }).click();
    await page.getByText('The program was told').waitFor();
    expect(await second.end()).toMatchObject({ status: 3, output: '' });

    expect((await page.goto(first.url))?.status()).toBe(404);
    await page.context().clearCookies();
    expect((await page.goto(`${served.http}/login/approve`))?.status()).toBe(401);
    await page.close();
  },
);
