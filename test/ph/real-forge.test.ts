// ph against the forge as people start it: its own process, real git and OpenSSH.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runProgram } from '../support/run-program.ts';
import { useServedForge } from '../support/serve.ts';
import { launcher } from './at-terminal.ts';

const startForge = useServedForge();

const manifest = '[[lane]]\nid = "unit"\ncommand = "echo hello; test ! -f red.txt"\n';

async function startWork() {
  const served = await startForge();
  const ada = await served.person('ada');
  const env = { ...ada.env, XDG_CONFIG_HOME: join(ada.home, 'config') };
  const run = (argv: string[]) => runProgram(argv, { cwd: ada.checkout, env });
  await ada.git('remote', 'add', 'origin', `ssh://git@127.0.0.1:${served.sshPort}/ada/app.git`);
  await ada.commit('First', { '.pika/lanes.toml': manifest });
  await ada.git('push', '--quiet', 'origin', 'main');
  await ada.git('checkout', '--quiet', '-b', 'work');
  return { served, ada, run, ph: (...args: string[]) => run(['sh', launcher, ...args]) };
}

test('a clone over ssh needs no address: sign in, wait, merge, sign out', async () => {
  const { served, ada, ph } = await startWork();
  const head = await ada.commit('Work', { 'work.txt': 'work\n' });
  await ada.git('push', '--quiet', 'origin', 'work');
  expect(await ph('status')).toMatchObject({
    status: 3,
    stderr: expect.stringContaining('ph login --ssh'),
  });
  expect(await ph('login', '--ssh')).toMatchObject({
    status: 0,
    stdout: `signed in to ${served.http} as ada\n`,
  });
  expect(await ph('wait')).toMatchObject({ status: 0 });
  expect(await ph('merge')).toMatchObject({ status: 0 });
  expect(await ada.git('ls-remote', 'origin', 'refs/heads/work')).toBe('');
  await ada.git('fetch', '--quiet', 'origin', 'main');
  expect(await ada.git('merge-base', '--is-ancestor', head, 'FETCH_HEAD')).toBe('');
  expect(await ph('logout')).toMatchObject({ status: 0 });
  expect(await ph('whoami')).toMatchObject({ status: 3 });
});

test('on a terminal ph wait draws its lanes in colour, and without colour when NO_COLOR is set', async () => {
  const { ada, run, ph } = await startWork();
  await ada.commit('Red', { 'red.txt': 'x\n' });
  await ada.git('push', '--quiet', 'origin', 'work');
  await ph('login', '--ssh');
  const terminal = await run(['script', '-qec', `${launcher} wait`, '/dev/null']);
  expect(terminal.status).toBe(1);
  expect(terminal.stdout).toContain('\u001B[31mfailed');
  expect(terminal.stdout).toContain('Next: ph logs --failed');
  const plain = await run(['script', '-qec', `NO_COLOR=1 ${launcher} status`, '/dev/null']);
  expect(plain.stdout).toContain('The lane unit failed');
  expect(plain.stdout).not.toContain('\u001B');
});
