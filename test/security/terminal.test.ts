// T1: what a pusher or a lane writes may be meant for the terminal or the browser of whoever looks at it: titles,
// links, the clipboard, a cursor that goes back. Neither `ph`, nor an answer of git, nor a page obeys it.
import { expect, test } from 'vitest';
import { encodePath } from '../../src/git/git-path.ts';
import { stageFiles } from '../browse/stage-repo.ts';
import { useForge } from '../support/forge.ts';
import { makePh } from '../support/ph.ts';
import { manifestOf, pushProject } from '../support/sample-project.ts';
import { rawCommit, rawName } from '../support/raw-commit.ts';
import { useSharedForge } from '../support/serve.ts';

const forge = useSharedForge();
const open = useForge();

const escape = '\u001B';
const tricks = [
  `${escape}]0;owned\u0007`,
  `${escape}]8;;https://evil.example\u0007link${escape}]8;;\u0007`,
  `${escape}]52;c;b3duZWQ=\u0007`,
  `${escape}[2J${escape}[1;1H`,
  `${escape}Pq#0${escape}\\`,
  '\u009B31m',
  'hidden\rshown',
  '\u202Edetrever',
].join('');
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const steering = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/;

test('T1: a title, an author and a lane log that would steer a terminal reach neither ph nor a page', async () => {
  const served = await forge();
  const ada = await served.person('ada', 'admin');
  const ph = await makePh(served, ada);
  const headers = { authorization: `Bearer ${await served.token('ada')}`, accept: 'text/html' };
  const files = {
    '.pika/lanes.toml': manifestOf([{ id: 'loud', command: 'cat tricks.txt; exit 1' }]),
    'tricks.txt': `${tricks}\n`,
  };
  await pushProject(served, { client: ada, repo: 'ada/app', files });
  await ada.git('switch', '--quiet', '--create', 'topic');
  await ada.git('config', 'user.name', `Eve ${tricks}`);
  await ada.commit(`Title ${tricks}`, { 'b.txt': 'b\n' });
  const pushed = await ada.tryGit('push', 'origin', 'topic');
  expect(pushed.status).toBe(0);
  // git ends each `remote:` line on a terminal with its own escape; none of ours may come with it.
  expect(pushed.stderr.replaceAll(`${escape}[K`, '')).not.toMatch(/[\u0007\u009B\u202E]|owned|evil\.example/);

  expect((await ph('wait')).status).toBe(1);
  for (const args of [['status'], ['list'], ['logs', '--failed'], ['logs', '--lane', 'loud'], ['wait']]) {
    const { stdout, stderr } = await ph(...args);
    expect(stdout + stderr, args.join(' ')).not.toMatch(steering);
    expect(stdout + stderr, args.join(' ')).not.toContain('evil.example');
  }
  for (const path of ['', '/branches/1', '/branches/1?tab=commits', '/runs/1', '/runs/1/lanes/loud']) {
    const page = await fetch(`${served.http}/ada/app${path}`, { headers });
    expect(page.status, path).toBe(200);
    expect(await page.text(), path).not.toMatch(steering);
  }
});

test('T1: a refusal repeats a name of the pusher in printable characters alone', async () => {
  const served = await forge();
  const ben = await served.person('ben', 'admin');
  await pushProject(served, { client: ben, repo: 'ben/app', files: { 'a.txt': 'a\n' } });
  for (const name of ['a\u202Eb', 'a\u009B31mb', 'ä']) {
    const refused = await ben.tryGit('push', 'origin', `main:refs/heads/${name}`);
    expect(refused.status, name).not.toBe(0);
    const said = refused.stderr.split('\n').filter((line) => line.startsWith('remote:'));
    expect(said.join(''), name).toContain('each part of a name');
    expect(said.join('').replaceAll(`${escape}[K`, ''), name).toMatch(/^[\x20-\x7e]*$/);
  }
});

test('T1: names, messages and contents on the pages of files and of history steer nothing', async () => {
  const it = await open();
  const { ask, folder, text } = await stageFiles(it, { 'a.txt': 'a\n' });
  // A name has no slash; the link of a terminal does without one too.
  const plain = tricks.replaceAll('/', '');
  const name = `file ${plain}.txt`;
  const head = await rawCommit(it.forge.git, {
    repo: folder,
    branch: 'topic',
    parents: [await text('rev-parse', 'refs/heads/main')],
    files: {
      [rawName(name)]: `let text = "${tricks}";\nsecond\n`,
      [rawName(`link ${plain}`)]: { link: tricks },
    },
    author: `Eve ${tricks.replaceAll(/[\r\n]/g, '')} <eve@example.org>`,
    message: `Title ${tricks}\n\nBody ${tricks}\n`,
  });
  await text('tag', '-a', '-m', `Tag ${tricks}`, 'v1', head);
  const path = encodePath(rawName(name));
  const pages = [
    'tree/topic',
    'tree/topic?with=commits',
    'commits/topic',
    'compare/main..topic',
    'refs',
    `blob/topic/${path}`,
    `blame/topic/${path}`,
    `commits/topic/${path}`,
    `commits/topic/${path}?follow=1`,
    `commit/${head}`,
    `commit/${head}/refs`,
    'search/topic?in=names&q=file',
    'search/topic?q=text',
    `blob/topic/${encodePath(rawName(`link ${plain}`))}`,
    `tree/topic/${path}/none`,
  ];
  for (const page of pages) {
    const answer = await ask(`/ada/app/${page}`);
    expect(answer.status, page).toBeLessThan(500);
    expect(answer.text, page).not.toMatch(steering);
  }
});
