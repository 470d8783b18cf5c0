// Takes pictures of the main pages, wide and narrow, light and dark, on a forge that has just been started with its
// tour. Usage: node test/browser/screenshots.ts FOLDER
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { z } from 'zod';
import { launchBrowser } from '../support/browser.ts';
import { makePh } from '../support/ph.ts';
import { disposeServed, startForge, type ServedForge } from '../support/serve.ts';
import { outputOf } from '../support/run-program.ts';
import { sshArguments } from '../support/ssh.ts';
import type { GitClient } from '../support/git-client.ts';

const looks = [
  { name: 'wide-light', width: 1280, height: 900, colorScheme: 'light' },
  { name: 'wide-dark', width: 1280, height: 900, colorScheme: 'dark' },
  { name: 'narrow-light', width: 360, height: 780, colorScheme: 'light' },
  { name: 'narrow-dark', width: 360, height: 780, colorScheme: 'dark' },
] as const;

const branchList = z.object({ branches: z.array(z.object({ number: z.number(), state: z.string() })) });

/** Name of the picture → path of the page. */
async function listPages(served: ServedForge, token: string): Promise<Record<string, string>> {
  const response = await fetch(`${served.http}/api/v1/repos/welcome/tour/branches`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const pages: Record<string, string> = { home: '/', repository: '/welcome/tour', account: '/account' };
  for (const { number, state } of branchList.parse(await response.json()).branches) {
    for (const tab of ['tutorial', 'changes', 'commits', 'discussion', 'ci']) {
      pages[`branch-${number}-${state}-${tab}`] = `/welcome/tour/branches/${number}?tab=${tab}`;
    }
  }
  const files = {
    files: '/welcome/tour/tree',
    file: '/welcome/tour/blob/main/greet.sh',
    refs: '/welcome/tour/refs',
    landings: '/welcome/tour/landings',
    search: '/welcome/tour/search/main?q=echo',
    inbox: '/inbox',
    webhooks: '/welcome/tour/settings/webhooks',
    audit: '/admin/audit',
  };
  return { ...pages, ...files, run: '/welcome/tour/runs/1', 'not-found': '/welcome/nowhere' };
}

async function signIn(browser: Browser, served: ServedForge, client: GitClient): Promise<Page> {
  const argv = [...sshArguments(client.key, served.sshPort), 'git@127.0.0.1', 'login'];
  const said = await outputOf(argv, { cwd: client.checkout, env: client.env });
  const page = await browser.newPage();
  await page.goto(/http:\/\/\S+\/login\/\S+/.exec(said)?.[0] ?? served.http);
  await page.getByRole('main').getByRole('button').first().click();
  await page.waitForURL(`${served.http}/`);
  return page;
}

async function takeAll(folder: string): Promise<number> {
  const served = await startForge({ welcome: true });
  const browser = await launchBrowser();
  let taken = 0;
  try {
    const ada = await served.person('ada', 'admin');
    const ph = await makePh(served, ada);
    const page = await signIn(browser, served, ada);
    // The tour's lanes have run when every open branch is settled one way or the other.
    const list = await ph('list', '--repo', 'welcome/tour', '--json');
    for (const { number } of branchList.parse(JSON.parse(list.stdout)).branches) {
      await ph('wait', String(number), '--repo', 'welcome/tour', '--timeout', '60');
    }
    const pages = await listPages(served, await served.token('ada', 'read'));
    for (const { name, width, height, colorScheme } of looks) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme });
      for (const [title, path] of Object.entries(pages)) {
        await page.goto(served.http + path);
        await page.screenshot({ path: join(folder, `${title}.${name}.png`), fullPage: true });
        taken += 1;
      }
    }
  } finally {
    await browser.close();
    await disposeServed(served);
  }
  return taken;
}

const folder = resolve(process.argv[2] ?? 'test/screenshots');
mkdirSync(folder, { recursive: true });
console.log(`${await takeAll(folder)} pictures in ${folder}`);
