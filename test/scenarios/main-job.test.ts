// The main job from the first start to the merge, with real programs only: the forge as a process, git, OpenSSH,
// ph and Chromium.
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { useBrowser } from '../support/browser.ts';
import type { GitClient } from '../support/git-client.ts';
import { makePh } from '../support/ph.ts';
import { manifestOf, pushBranch, pushProject } from '../support/sample-project.ts';
import { useServedForge } from '../support/serve.ts';
import { signIn } from '../support/sign-in.ts';

const startForge = useServedForge();
const browser = useBrowser();

const project = {
  'README.md': '# Greeter\n',
  'src/greet.sh': '#!/bin/sh\necho "hello $1"\n',
  '.pika/lanes.toml': manifestOf([
    { id: 'unit', command: 'sh src/greet.sh world | grep hello && echo unit-is-green' },
    { id: 'docs', command: 'echo docs', paths: ['docs/**'] },
    { id: 'slow', command: 'for n in 1 2 3 4 5; do echo "step $n of 5"; sleep 0.4; done' },
  ]),
};

/** The refs a plain git sees over SSH. */
async function lsRemote(client: GitClient): Promise<Map<string, string>> {
  const lines = (await client.git('ls-remote', 'origin')).split('\n').filter((line) => line !== '');
  return new Map(lines.map((line) => line.split('\t')).map(([oid = '', ref = '']) => [ref, oid]));
}

const mainText = (page: Page): Promise<string> => page.getByRole('main').innerText();

test(
  'a pushed branch runs its lanes, shows its page, and is merged by a click',
  { timeout: 120_000 },
  async () => {
    const served = await startForge();
    const ada = await served.person('ada', 'admin');
    const ph = await makePh(served, ada);
    const base = await pushProject(served, { client: ada, repo: 'demo/app', files: project });

    const { head, said } = await pushBranch(ada, {
      name: 'polite',
      message: 'Greet politely',
      files: { 'src/greet.sh': '#!/bin/sh\necho "hello, dear $1"\n' },
    });
    const branchPage = `${served.http}/demo/app/branches/1`;
    expect(said).toContain(`remote: `);
    expect(said).toContain(branchPage);
    expect(said).toMatch(/^remote: .*ph wait/m);

    const waited = await ph('wait');
    expect(waited).toMatchObject({ status: 0 });
    expect(waited.stderr).toMatch(/slow.*running/);
    const status = JSON.parse((await ph('status', '--json')).stdout) as { run: { lanes: object[] } };
    expect(status.run.lanes).toMatchObject([
      { id: 'unit', state: 'success' },
      { id: 'docs', state: 'skipped', skipCause: 'path_filter' },
      { id: 'slow', state: 'success' },
    ]);

    const page = await (await browser()).newPage();
    await signIn(page, served, ada);
    await page.goto(branchPage);
    expect(await page.title()).toContain('Greet politely');
    const shown = await mainText(page);
    for (const text of ['Greet politely', 'polite', 'main', 'open', 'unit', 'docs', 'slow']) {
      expect(shown.toLowerCase()).toContain(text.toLowerCase());
    }
    await seeWholePage(page, branchPage);
    expect(page.url()).not.toContain('login');

    await page.goto(branchPage);
    await page
      .getByRole('button', { name: /^merge/i })
      .first()
      .click();
    await expect.poll(() => mainText(page), { timeout: 10_000 }).toMatch(/merged/i);

    const refs = await lsRemote(ada);
    expect(refs.has('refs/heads/polite')).toBe(false);
    await ada.git('fetch', '--quiet', 'origin', 'main');
    expect(await ada.git('rev-parse', 'FETCH_HEAD')).toBe(refs.get('refs/heads/main'));
    expect(await ada.git('show', '--no-patch', '--format=%P', 'FETCH_HEAD')).toBe(`${base} ${head}`);
    expect(await ada.git('show', '--no-patch', '--format=%an <%ae>', 'FETCH_HEAD')).toMatch(/^ada </);
    await seeWholePage(page, branchPage);
    await page.close();
  },
);

/** Tutorial, changes, commits and the log of a lane are there; after the merge just as before. */
async function seeWholePage(page: Page, branchPage: string): Promise<void> {
  await page.goto(`${branchPage}?tab=tutorial`);
  await expect.poll(() => mainText(page)).toContain('greet.sh');
  await page.goto(`${branchPage}?tab=changes`);
  const changes = await mainText(page);
  expect(changes).toContain('echo "hello $1"');
  expect(changes).toContain('echo "hello, dear $1"');
  await page.goto(`${branchPage}?tab=commits`);
  expect(await mainText(page)).toContain('Greet politely');
  await page.goto(`${branchPage}?tab=ci`);
  await page.getByRole('main').getByRole('link', { name: /run 1/i }).first().click();
  await expect.poll(() => mainText(page)).toContain('docs/**');
  await page.getByRole('main').getByRole('link', { name: /unit/ }).first().click();
  await expect.poll(() => mainText(page)).toContain('unit-is-green');
}

test('a red branch is named as such everywhere and merged nowhere', { timeout: 120_000 }, async () => {
  const served = await startForge();
  const ada = await served.person('ada', 'admin');
  const ph = await makePh(served, ada);
  const base = await pushProject(served, { client: ada, repo: 'demo/app', files: project });
  const { head } = await pushBranch(ada, {
    name: 'rude',
    message: 'Greet nobody',
    files: { 'src/greet.sh': '#!/bin/sh\necho "assertion failed: no greeting for $1" >&2\nexit 3\n' },
  });

  const waited = await ph('wait');
  expect(waited).toMatchObject({ status: 1 });
  expect(waited.stdout).toContain('unit');

  const logs = await ph('logs', '--failed');
  expect(logs.stdout).toContain('assertion failed: no greeting for world');
  expect(logs.stdout).not.toContain('step 1 of 5');

  const merge = await ph('merge');
  expect(merge).toMatchObject({ status: 1 });
  expect(merge.stderr).toContain('unit');

  const response = await fetch(`${served.http}/api/v1/repos/demo/app/branches/1/merge`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await served.token('ada')}`, 'content-type': 'application/json' },
    body: JSON.stringify({ head }),
  });
  expect(response.status).toBe(409);
  expect(await response.json()).toMatchObject({
    error: { code: 'conflict', message: expect.stringContaining('unit') },
  });
  const refs = await lsRemote(ada);
  expect(refs.get('refs/heads/main')).toBe(base);
  expect(refs.get('refs/heads/rude')).toBe(head);
});

test('ph merge refuses a commit that is not the head the forge has', { timeout: 120_000 }, async () => {
  const served = await startForge();
  const ada = await served.person('ada', 'admin');
  const ph = await makePh(served, ada);
  const base = await pushProject(served, { client: ada, repo: 'demo/app', files: project });
  await pushBranch(ada, { name: 'polite', message: 'Greet politely', files: { 'src/a.txt': 'one\n' } });
  expect(await ph('wait')).toMatchObject({ status: 0 });

  await ada.commit('One more, not pushed', { 'src/a.txt': 'two\n' });
  expect(await ph('merge')).toMatchObject({ status: 5 });
  expect((await lsRemote(ada)).get('refs/heads/main')).toBe(base);

  await ada.git('push', '--quiet', 'origin', 'polite');
  expect(await ph('wait')).toMatchObject({ status: 0 });
  expect(await ph('merge')).toMatchObject({ status: 0 });
  expect((await lsRemote(ada)).has('refs/heads/polite')).toBe(false);
});
