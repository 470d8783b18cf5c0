// `ph secret`: values come from standard input, a file or a terminal, and never stand in an answer or an argument.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { createToken } from '../../src/accounts/create-token.ts';
import { openSealed, readSealKey } from '../../src/lib/seal.ts';
import { runProgram } from '../support/run-program.ts';
import { useForge } from '../support/forge.ts';
import { atTerminal, launcher, type Terminal } from './at-terminal.ts';

vi.setConfig({ testTimeout: 300_000 });

const open = useForge();
const value = 'tok-5f0c9d1e77ab42';

async function stage() {
  const terminal = await atTerminal(await open());
  const { forge, account } = terminal.staged;
  const token = createToken(forge, { accountId: account.id, scope: 'admin' });
  const env = { ...terminal.client.env, PH_URL: terminal.origin, PH_TOKEN: token };
  const ph = (input: string, ...args: string[]) =>
    runProgram(['sh', launcher, 'secret', ...args], {
      cwd: terminal.client.checkout,
      env,
      input,
      timeoutMs: 280_000,
    });
  return { terminal, env, ph, kept: (name: string) => kept(terminal, name) };
}

function kept({ staged }: Terminal, name: string): string | undefined {
  const row = staged.forge.db.get<{ repo_id: number; sealed: Buffer }>(
    'SELECT repo_id, sealed FROM ci_secrets WHERE name = :name',
    { name },
  );
  const key = readSealKey(staged.forge.config.paths.keys);
  return row && openSealed(key, row.sealed, `secret ${row.repo_id} ${name}`);
}

test('a value is piped in, who may have it is told apart from it, and both are listed without it', async () => {
  const { ph, kept } = await stage();
  expect(await ph(`${value}\n`, 'set', 'NPM_TOKEN')).toEqual({
    status: 0,
    stdout: 'NPM_TOKEN of ada/app is set for main\n',
    stderr: '',
  });
  expect(kept('NPM_TOKEN')).toBe(value);
  expect(await ph('', 'set', 'NPM_TOKEN', '--keep-value', '--refs', 'deploy/*', 'main')).toMatchObject({
    status: 0,
    stdout: 'NPM_TOKEN of ada/app is set for deploy/* main\n',
  });
  expect(kept('NPM_TOKEN')).toBe(value);
  const listed = await ph('', 'list');
  expect(listed.stdout).toMatch(/^NPM_TOKEN {2}deploy\/\* main {2}\d{4}-\d\d-\d\d {2}ada\n$/);
  const asJson = await ph('', 'list', '--json');
  expect(JSON.parse(asJson.stdout)).toMatchObject({ secrets: [{ name: 'NPM_TOKEN', updatedBy: 'ada' }] });
  for (const { stdout, stderr } of [listed, asJson]) expect(stdout + stderr).not.toContain(value);
  expect(await ph('', 'remove', 'NPM_TOKEN')).toMatchObject({ status: 0 });
  expect((await ph('', 'list')).stderr).toBe('ada/app has no secrets.\n');
  expect((await ph('', 'remove', 'NPM_TOKEN')).status).toBe(4);
});

test('a text of many lines is kept to its last line end', async () => {
  const { terminal, ph, kept } = await stage();
  const key = '-----BEGIN KEY-----\nabcdef\n-----END KEY-----\n';
  const file = join(terminal.client.home, 'key.pem');
  writeFileSync(file, key);
  expect((await ph('', 'set', 'DEPLOY_KEY', '--value-file', file)).status).toBe(0);
  expect(kept('DEPLOY_KEY')).toBe(key);
  expect((await ph(key, 'set', 'DEPLOY_KEY', '--value-file', '-')).status).toBe(0);
  expect(kept('DEPLOY_KEY')).toBe(key);
});

test.each([
  [['set', 'A-B'], value, 2, 'is no name of a secret'],
  [['set', 'PATH'], value, 2, 'given this variable by the forge'],
  [['set', 'TOKEN'], '', 2, 'No value came for TOKEN'],
  [['set', 'TOKEN'], '123', 2, 'no line of it has 6 characters'],
  [['set', 'TOKEN', '--keep-value'], value, 2, '--refs PATTERN'],
  [['set', 'TOKEN', '--keep-value', '--refs', 'main'], '', 2, 'give its value too'],
  [['set', 'TOKEN', '--value-file', '/nowhere/x'], '', 2, '/nowhere/x cannot be read'],
  [['set', 'TOKEN', value], '', 2, 'too many arguments'],
  [['remove', 'TOKEN'], '', 4, 'has no secret TOKEN'],
] as const)('%j is refused', async (args, input, status, said) => {
  const { ph } = await stage();
  const answer = await ph(input, ...args);
  expect(answer.stderr).toContain(said);
  expect(answer).toMatchObject({ status, stdout: '' });
});

test('a token that only writes may not set one', async () => {
  const { terminal } = await stage();
  const { status, stderr } = await terminal.ph('secret', 'list');
  expect([status, stderr]).toEqual([3, expect.stringContaining('use one with the scope admin')]);
});

test('at a terminal the value is asked for and not shown', async () => {
  const { env, terminal, kept } = await stage();
  // script gives ph a terminal of its own.
  const command = `sh ${launcher} secret set NPM_TOKEN; echo "status $?"`;
  const child = spawn('script', ['-qec', command, '/dev/null'], { cwd: terminal.client.checkout, env });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const wasAsked = stdout.includes('Value of');
    stdout += chunk;
    if (!wasAsked && stdout.includes('Value of')) child.stdin.write(`${value}x\u007F\r`);
  });
  await once(child, 'close');
  expect(stdout).toContain('Value of NPM_TOKEN: ');
  expect(stdout).toContain('status 0');
  expect(kept('NPM_TOKEN')).toBe(value);
  expect(stdout).not.toContain(value);
});
