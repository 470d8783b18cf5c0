// The operator's command, on a forge that runs and on a data directory where none does.
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { makeKey } from '../support/ssh.ts';
import { operateOn, useServedForge, type ServedForge } from '../support/serve.ts';

const startForge = useServedForge();

/** Each command once; what it did is seen by the forge that serves afterwards. */
async function setUp(served: ServedForge): Promise<string> {
  const key = await makeKey(served.folder);
  const account = await served.operate(
    'account',
    'add',
    'ada',
    '--role',
    'admin',
    '--ssh-key',
    `${key.file}.pub`,
  );
  expect(account).toMatchObject({ status: 0, stderr: '' });
  const token = await served.operate('token', 'create', '--account', 'ada', '--scope', 'read');
  expect(token).toMatchObject({ status: 0, stdout: expect.stringMatching(/^\S{40,}\n$/) });
  const repo = await served.operate(
    'repo',
    'create',
    'demo/app',
    '--public',
    '--default-branch',
    'trunk',
    '--json',
  );
  expect(repo.status).toBe(0);
  expect(JSON.parse(repo.stdout)).toMatchObject({
    repo: 'demo/app',
    visibility: 'public',
    defaultBranch: 'trunk',
  });
  return token.stdout.trim();
}

async function seen(served: ServedForge, token: string): Promise<unknown[]> {
  const headers = { authorization: `Bearer ${token}` };
  const whoami = await fetch(`${served.http}/api/v1/whoami`, { headers });
  const repo = await fetch(`${served.http}/api/v1/repos/demo/app`);
  return [await whoami.json(), await repo.json()];
}

const expected = [
  { name: 'ada', role: 'admin' },
  { owner: 'demo', name: 'app', defaultBranch: 'trunk' },
];

describe('accounts, tokens and repositories are made', () => {
  test('while the forge runs', async () => {
    const served = await startForge();
    const token = await setUp(served);
    expect(await seen(served, token)).toMatchObject(expected);
  });

  test('while it does not', async () => {
    const served = await startForge();
    expect(await served.stop()).toBe(0);
    const token = await setUp(served);
    await refuseRoot(served);
    await served.restart();
    expect(await seen(served, token)).toMatchObject(expected);
  });
});

/** What root makes in the data of another user, that user's forge could not write to. */
async function refuseRoot({ data, operate }: ServedForge): Promise<void> {
  if (process.getuid?.() !== 0) return console.warn('Skipped: only root can be refused as root.');
  const database = join(data, 'forge.db');
  chownSync(database, 4242, 4242);
  const refused = await operate('repo', 'create', 'demo/other');
  expect(refused).toMatchObject({ status: 2, stderr: expect.stringContaining("sudo -u '#4242' pika-git") });
  chownSync(database, 0, 0);
}

test('a folder without a forge is told, and only what sets one up makes one there', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pika-mistyped-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const data = join(folder, 'data');
  const refused = await operateOn(folder, 'retention');
  expect(refused).toMatchObject({
    status: 2,
    stdout: '',
    stderr: expect.stringContaining(`There is no forge in ${data}; name its directory with --data DIR`),
  });
  expect(existsSync(data)).toBe(false);
  const made = await operateOn(folder, 'account', 'add', 'ada');
  expect(made).toMatchObject({
    status: 0,
    stderr: expect.stringContaining(`no forge in ${data}; a new one`),
  });
});

test('doctor says that all is well, for people and for machines', async () => {
  const served = await startForge();
  await served.operate('repo', 'create', 'demo/app');
  for (const running of [true, false]) {
    if (!running) await served.stop();
    const forPeople = await served.operate('doctor');
    expect(forPeople).toMatchObject({ status: 0, stdout: expect.stringContaining('demo/app') });
    const { stdout } = await served.operate('doctor', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ ok: true });
  }
});

test('a second forge on the same data is refused, and the first goes on', async () => {
  const served = await startForge();
  const second = await served.operate('serve', '--json', '--http', '127.0.0.1:0', '--ssh', '127.0.0.1:0');
  expect(second).toMatchObject({ status: 1, stderr: expect.stringContaining('already') });
  expect((await fetch(`${served.http}/healthz`)).status).toBe(200);
});

test('SIGTERM ends the forge with 0 and frees its socket, and it starts again on its data', async () => {
  const served = await startForge();
  expect(await served.stop()).toBe(0);
  expect(existsSync(join(served.data, 'control.sock'))).toBe(false);
  await served.restart();
  expect((await fetch(`${served.http}/healthz`)).status).toBe(200);
});

test('wrong use ends with 2, says what was wrong, and writes nothing', async () => {
  const served = await startForge();
  await served.operate('account', 'add', 'ada');
  const refusals: [string[], number, RegExp][] = [
    [['account', 'add', 'a b'], 2, /"a b" is no account name/],
    [['account', 'add', 'ada'], 1, /exists already/],
    [['account', 'add', 'bob', '--role', 'king'], 2, /king/],
    [['account', 'add', 'bob', '--ssh-key', '/nowhere/key.pub'], 2, /key\.pub/],
    [['token', 'create', '--account', 'nobody'], 1, /nobody/],
    [['token', 'create', '--account', 'ada', '--scope', 'all'], 2, /all/],
    [['repo', 'create', 'only-a-name'], 2, /OWNER\/NAME/],
    [['repo', 'create', 'demo/.hidden'], 2, /\.hidden/],
    [['repo', 'create', 'api/app'], 2, /taken by a page/],
    [['repo', 'create', 'demo/app', '--default-branch', 'a..b'], 2, /a\.\.b/],
    [['frobnicate'], 2, /frobnicate/],
  ];
  for (const [args, status, sentence] of refusals) {
    const refused = await served.operate(...args);
    expect(refused, args.join(' ')).toMatchObject({ status, stdout: '' });
    expect(refused.stderr, args.join(' ')).toMatch(sentence);
    expect(refused.stderr, args.join(' ')).not.toMatch(/\n\s+at /);
  }
  const { stdout } = await served.operate('doctor');
  expect(stdout).not.toContain('demo/');
});
