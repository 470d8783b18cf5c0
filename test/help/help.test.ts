// What the forge tells and gives to who wants to use it: the help pages, and ph as one file.
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { runProgram } from '../support/run-program.ts';
import { useSharedForge } from '../support/serve.ts';

// A forge is started, and ph several times, on a machine that runs all the other tests too.
vi.setConfig({ testTimeout: 300_000 });

const timeoutMs = 240_000;

const startForge = useSharedForge();

/** A home of its own, and what an installer that came over the network does in it. */
async function atHome(name: string) {
  const served = await startForge();
  const home = join(served.folder, name);
  mkdirSync(home);
  const env = { PATH: process.env['PATH'] ?? '', HOME: home };
  const installer = await (await fetch(`${served.http}/ph`)).text();
  const install = (script: string, more: Record<string, string> = {}) =>
    runProgram(['sh'], { cwd: home, env: { ...env, ...more }, input: script, timeoutMs });
  const run = (...argv: string[]) => runProgram(argv, { cwd: home, env, timeoutMs });
  return { served, home, env, installer, install, run, ph: join(home, '.local/bin/ph') };
}

test('the installer makes one file that knows its forge, and says what comes next', async () => {
  const { served, home, installer, install, run, ph } = await atHome('new');
  expect(await install(installer)).toMatchObject({
    status: 0,
    stdout: expect.stringContaining(`is installed as ${ph} and knows the forge at ${served.http}.`),
    stderr: '',
  });
  await served.operate('account', 'add', 'ada');
  writeFileSync(join(home, 'token'), await served.token('ada'));
  expect(await run(ph, 'login', '--token-file', 'token')).toMatchObject({
    status: 0,
    stdout: `signed in to ${served.http} as ada\n`,
  });
  expect(await run(ph, 'whoami')).toMatchObject({ stdout: `ada (member) at ${served.http}\n` });
  expect((await run(ph, '--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  // A folder may say that files without an ending are modules.
  writeFileSync(join(home, 'package.json'), '{"type":"module"}');
  expect(await run(ph, 'whoami')).toMatchObject({ status: 0 });
});

test('the program alone is at its own address, plain to read', async () => {
  const { served, installer } = await atHome('reader');
  const response = await fetch(`${served.http}/ph/ph`);
  expect(response.headers.get('content-type')).toContain('text/plain');
  const program = await response.text();
  expect(program.startsWith('#!/bin/sh\n')).toBe(true);
  expect(installer).toContain(program);
});

test('a download that was cut off changes nothing', async () => {
  const { installer, install, ph } = await atHome('cut');
  expect((await install(installer.slice(0, installer.length - 200))).status).not.toBe(0);
  expect(existsSync(ph)).toBe(false);
});

test('an old Node is told what is needed, by the installer and by the program', async () => {
  const { home, installer, install, ph } = await atHome('old');
  const node = join(home, 'node');
  writeFileSync(node, '#!/bin/sh\necho v20.20.2\n');
  chmodSync(node, 0o755);
  const refused = await install(installer, { PATH: `${home}:/usr/bin:/bin` });
  expect(refused).toMatchObject({ status: 2, stdout: '' });
  expect(refused.stderr).toContain('needs Node 22 or newer and found v20.20.2');
  expect(existsSync(ph)).toBe(false);
  await install(installer);
  const bare = await runProgram(['/bin/sh', ph, '--version'], { cwd: home, env: { PATH: home } });
  expect(bare).toMatchObject({ status: 0, stdout: 'v20.20.2\n' });
  chmodSync(node, 0o644);
  const without = await runProgram(['/bin/sh', ph, '--version'], { cwd: home, env: { PATH: home } });
  expect(without).toMatchObject({ status: 2, stderr: expect.stringContaining('no node is in PATH') });
});

test.each(['', '/push', '/lanes', '/landing', '/ph', '/keys', '/keyboard', '/operating'])(
  'the help page %s is there for everybody and lists the others',
  async (path) => {
    const { http } = await startForge();
    const response = await fetch(`${http}/help${path}`);
    expect(response.status).toBe(200);
    const text = await response.text();
    expect(text).toContain('href="/help/lanes"');
    expect(text).toContain('aria-current="page"');
  },
);

test('commands have the addresses of this forge', async () => {
  const { http, sshPort } = await startForge();
  expect(await (await fetch(`${http}/help/ph`)).text()).toContain(`curl -fsSL ${http}/ph | sh`);
  expect(await (await fetch(`${http}/help/push`)).text()).toContain(
    `git remote add pika ssh://git@127.0.0.1:${sshPort}/YOU/your-project.git`,
  );
});

test('a topic that is none is not found', async () => {
  const { http } = await startForge();
  for (const path of ['/help/nothing', '/help/_page', '/help/index', '/help/..%2Ferror']) {
    expect((await fetch(http + path)).status, path).toBe(404);
  }
});
