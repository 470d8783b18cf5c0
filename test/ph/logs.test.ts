import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { endLane } from '../landing/staged-branch.ts';
import { useForge } from '../support/forge.ts';
import { atTerminal, launcher } from './at-terminal.ts';
import { writeLog } from './written-log.ts';

const open = useForge();

test('--failed shows the failing lane under its name, with the line that failed', async () => {
  const { ph, staged } = await atTerminal(await open(), { lane: 'failed' });
  writeLog(staged.forge, 'ok 1\nnot ok 2 - adds\n');
  expect(await ph('logs', '--failed')).toEqual({
    status: 0,
    stdout: '==> unit failed (test failure), attempt 1\nok 1\nnot ok 2 - adds\n',
    stderr: '',
  });
});

test('one lane is printed raw, without what would steer a terminal', async () => {
  const { ph, staged } = await atTerminal(await open());
  writeLog(staged.forge, '\u001B[32mgreen\u001B[0m\n\u001B]52;c;eA==\u0007ä\nno end');
  expect(await ph('logs', '--lane', 'unit')).toMatchObject({ status: 0, stdout: 'green\nä\nno end\n' });
  const json = JSON.parse((await ph('logs', '--json')).stdout);
  expect(json.lanes).toEqual([expect.objectContaining({ id: 'unit', log: 'green\nä\nno end\n' })]);
});

test('without a failing lane --failed prints no data and says so', async () => {
  const { ph } = await atTerminal(await open());
  expect(await ph('logs', '--failed')).toEqual({ status: 0, stdout: '', stderr: 'ph: no lane failed.\n' });
});

test('a log of several answers comes whole', async () => {
  const { ph, staged } = await atTerminal(await open());
  const line = `${'日本'.repeat(40)}\n`;
  writeLog(staged.forge, line.repeat(12_000));
  const { stdout } = await ph('logs', '--lane', 'unit');
  expect(stdout.length).toBe(line.length * 12_000);
});

test('a reader that goes away ends ph without a complaint', async () => {
  const { client, origin, token, staged } = await atTerminal(await open());
  writeLog(staged.forge, 'line\n'.repeat(400_000));
  const child = spawn('sh', ['-c', `"$0" logs --lane unit | head -1`, launcher], {
    cwd: client.checkout,
    env: { ...client.env, PH_URL: origin, PH_TOKEN: token },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (data: Buffer) => (said += data.toString()));
  child.stdout.resume();
  await once(child, 'close');
  expect(said).toBe('');
});

test('-f follows a log until its lane ends', async () => {
  const { client, origin, token, staged, branch } = await atTerminal(await open(), { lane: 'running' });
  const file = writeLog(staged.forge, 'first\n');
  const child = spawn('sh', [launcher, 'logs', '-f', '--lane', 'unit'], {
    cwd: client.checkout,
    env: { ...client.env, PH_URL: origin, PH_TOKEN: token },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  const ended = once(child, 'close');
  await once(child.stdout, 'data');
  expect(stdout).toBe('first\n');
  appendFileSync(file, 'second\n');
  endLane(staged.forge, branch, 'success');
  expect(await ended).toEqual([0, null]);
  expect(stdout).toBe('first\nsecond\n');
});
