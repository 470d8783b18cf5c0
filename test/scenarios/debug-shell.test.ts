// A lane fails, and its author looks into what it left: with ph from a pipe and at a terminal, over the forge's SSH, and on
// the page; and no shell outlives a forge that is killed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { beforeAll, expect, test, vi } from 'vitest';
import { cookiePrefix } from '../../src/ci/lanes/launch.ts';
import { findSurvivors } from '../../src/ci/lanes/survivors.ts';
import { launcher } from '../ph/at-terminal.ts';
import { runProgram } from '../support/run-program.ts';
import { useSharedForge } from '../support/serve.ts';
import { sshArguments } from '../support/ssh.ts';

const forge = useSharedForge();
const timeout = 180_000;
vi.setConfig({ testTimeout: timeout, hookTimeout: timeout });

const lane = (id: string, command: string) => `[[lane]]\nid = "${id}"\ncommand = "${command}"\n`;
const manifest = lane('unit', 'echo left >out.txt; exit 3') + lane('docs', 'true');

/** The lane `unit` of the branch `work` has failed. */
async function failLane() {
  const served = await forge();
  const ada = await served.person('ada', 'admin');
  const env = { ...ada.env, XDG_CONFIG_HOME: join(ada.home, 'config') };
  const run = (argv: string[], input = '') =>
    runProgram(argv, { cwd: ada.checkout, env, input, timeoutMs: timeout / 2 });
  const ph = (input: string, ...args: string[]) => run(['sh', launcher, ...args], input);
  await ada.git('remote', 'add', 'origin', `ssh://git@127.0.0.1:${served.sshPort}/ada/app.git`);
  await ada.commit('First', { 'README.md': 'x' });
  await ada.git('push', '--quiet', 'origin', 'main');
  await ada.git('checkout', '--quiet', '-b', 'work');
  await ada.commit('Lanes', { '.pika/lanes.toml': manifest });
  await ada.git('push', '--quiet', 'origin', 'work');
  expect(await ph('', 'login', '--ssh')).toMatchObject({ status: 0 });
  expect(await ph('', 'wait')).toMatchObject({ status: 1 });
  const ssh = [...sshArguments(ada.key, served.sshPort), 'git@127.0.0.1'];
  return { served, ada, run, ph, ssh };
}

let failed: Awaited<ReturnType<typeof failLane>>;
beforeAll(async () => {
  failed = await failLane();
});

test('ph opens a shell in what the failed lane left, and answers the status of that shell', async () => {
  const { ph } = failed;
  const piped = await ph('cat out.txt; pwd; exit 4\n', 'shell');
  expect(piped).toMatchObject({ status: 4, stdout: expect.stringMatching(/^left\n\/.*work\n$/) });
  expect(piped.stderr).toContain('run 1 · unit, attempt 1');
  const told = await ph('', 'shell', 'work', '--lane', 'unit', '--json');
  expect(JSON.parse(told.stdout)).toMatchObject({
    run: 1,
    lane: 'unit',
    attempt: 1,
    command: 'shell ada/app 1 unit 1',
    keptUntil: expect.stringMatching(/^\d{4}-.*Z$/),
  });
  expect(await ph('id\n', 'shell', '--lane', 'docs')).toMatchObject({
    status: 1,
    stdout: '',
    stderr: expect.stringContaining('Attempt 1 of docs ended as success'),
  });
  expect(await ph('', 'shell', '--lane', 'none')).toMatchObject({
    status: 4,
    stderr: expect.stringContaining('its lanes are: unit, docs'),
  });
  expect(await ph('', 'shell', '--attempt', 'x')).toMatchObject({ status: 2 });
});

test('where several lanes failed, ph asks which one is meant', async () => {
  const { ada, ph } = failed;
  await ada.git('checkout', '--quiet', '-b', 'two');
  await ada.commit('Two', { '.pika/lanes.toml': lane('one', 'exit 3') + lane('two', 'exit 4') });
  await ada.git('push', '--quiet', 'origin', 'two');
  expect(await ph('', 'wait')).toMatchObject({ status: 1 });
  expect(await ph('id\n', 'shell')).toMatchObject({
    status: 2,
    stdout: '',
    stderr: 'ph: Which lane? Say it with --lane; these failed: one, two.\n',
  });
  expect(await ph('pwd\n', 'shell', '--lane', 'two')).toMatchObject({ status: 0 });
  await ada.git('checkout', '--quiet', 'work');
});

test('at a terminal the shell has one, of the same size', async () => {
  const { run } = failed;
  const typed = `stty rows 31 cols 97; TERM=vt220 ${launcher} shell`;
  const shown = await run(
    ['script', '-qec', typed, '/dev/null'],
    'tty -s && stty size; echo $TERM; exit 6\n',
  );
  expect(shown.stdout).toMatch(/^31 97\r$/m);
  expect(shown.stdout).toMatch(/^vt220\r$/m);
  expect(shown.status).toBe(6);
});

test('the page tells those who may how to open one, shows who is in it, and ends it', async () => {
  const { served, ssh, ada } = failed;
  const address = `${served.http}/ada/app/runs/1/lanes/unit`;
  const asked = { headers: { Authorization: `Bearer ${await served.token('ada')}` } };
  const page = async (options: RequestInit) => (await fetch(address, options)).text();
  const before = await page(asked);
  expect(before).toContain(`ssh -t -p ${served.sshPort} git@127.0.0.1 shell ada/app 1 unit`);
  expect(before).toMatch(/ph shell \d+ --lane unit/);
  const client = spawn(ssh[0] ?? '', [...ssh.slice(1), 'shell ada/app 1 unit'], { env: ada.env });
  const ended = once(client, 'exit');
  client.stdin.write('echo up\n');
  await once(client.stdout, 'data');
  expect(await page(asked)).toMatch(/<strong>ada<\/strong> has a shell open/);
  const stopped = await fetch(`${address}/shell/end`, {
    method: 'POST',
    redirect: 'manual',
    body: '{"attempt":1}',
    headers: { ...asked.headers, 'Content-Type': 'application/json' },
  });
  expect(stopped.status).toBe(303);
  await ended;
  await vi.waitFor(async () => expect(await page(asked)).toContain('ended from the page'), {
    timeout,
    interval: 50,
  });
});

test('a shell dies with its forge, and the workspace waits for the next one', async () => {
  const { served, ph, ssh, ada } = failed;
  const client = spawn(ssh[0] ?? '', [...ssh.slice(1), 'shell ada/app 1 unit'], { env: ada.env });
  client.stdin.on('error', () => undefined);
  const ended = once(client, 'exit');
  client.stdin.write('setsid sleep 1000 & trap "" HUP TERM; echo mine >mine.txt; echo up; sleep 1001\n');
  await once(client.stdout, 'data');
  const alive = () => findSurvivors(cookiePrefix(served.data)).length;
  expect(alive()).toBeGreaterThan(0);
  await served.kill();
  await ended;
  await served.restart();
  expect(alive()).toBe(0);
  expect(await ph('cat mine.txt\n', 'shell')).toMatchObject({ status: 0, stdout: 'mine\n' });
});
