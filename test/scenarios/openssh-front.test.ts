// The system's own sshd in front of the forge: who signs in there is the same person, with the same rights, hooks,
// limits and records, as over the forge's own SSH server.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect } from 'vitest';
import { makeClient, type GitClient } from '../support/git-client.ts';
import { runProgram, type ProgramResult } from '../support/run-program.ts';
import { disposeServed, startForge, type ServedForge } from '../support/serve.ts';
import { sshArguments } from '../support/ssh.ts';
import { startSshd, whyNoSshd, type Sshd } from '../support/sshd.ts';
import { testUnless } from '../support/where-installed.ts';

const missing = whyNoSshd();
const test = testUnless(missing, 'the sshd of the system in front of the forge');

// Each connection starts sshd's programs, and two of the forge.
const slow = { timeout: 90_000 };

let served: ServedForge;
let sshd: Sshd;

beforeAll(async () => {
  if (missing !== undefined) return;
  served = await startForge({ settings: '[limits]\nmaxGitProcessesPerRepo = 1\nmaxWaitingGit = 0\n' });
  sshd = await startSshd(served.data);
}, 60_000);

afterAll(async () => {
  if (missing !== undefined) return;
  await sshd.stop();
  await disposeServed(served);
}, 60_000);

const ssh = (client: GitClient, ...rest: string[]): Promise<ProgramResult> =>
  runProgram([...sshArguments(client.key, sshd.port), ...rest], { cwd: client.home, env: client.env });

const host = (): string => `${sshd.user}@127.0.0.1`;

test(
  'a push over it creates the repository and a branch with a page, is recorded, and can be cloned',
  slow,
  async () => {
    const ada = await served.person('ada');
    const url = sshd.url('ada/app');
    const main = await ada.commit('Start', { 'a.txt': 'one\n' });
    expect((await ada.tryGit('push', url, 'main')).stderr).toContain('/ada/app');
    await ada.git('switch', '--quiet', '-c', 'topic');
    await ada.commit('Two', { 'b.txt': 'two\n' });
    const pushed = await ada.tryGit('push', url, 'topic');
    expect(pushed.stderr).toMatch(/remote: Branch #1: http/);
    expect(pushed.status).toBe(0);
    const refused = await ada.tryGit('push', url, 'topic:main');
    expect(refused.status).not.toBe(0);
    expect(refused.stderr).toContain('remote: ');
    for (const version of ['0', '1', '2']) {
      const copy = `../copy-${version}`;
      await ada.git('-c', `protocol.version=${version}`, 'clone', '--quiet', url, copy);
      expect(await ada.git('-C', copy, 'rev-parse', 'HEAD')).toBe(main);
    }
    const db = new Database(`${served.data}/forge.db`, { readonly: true });
    const rows = db.prepare("SELECT * FROM audit WHERE action = 'push.accept'").all() as Record<
      string,
      unknown
    >[];
    db.close();
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) {
      expect(row['address']).toBe('127.0.0.1');
      expect(row['credential']).toMatch(/^key SHA256:/);
    }
  },
);

test('protocol v2 reaches git through it, because sshd hands GIT_PROTOCOL on', slow, async () => {
  const ben = await served.person('ben');
  await ben.commit('Start', { 'a.txt': 'one\n' });
  await ben.git('push', '--quiet', sshd.url('ben/v2'), 'main');
  const { stdout } = await runProgram(
    [...sshArguments(ben.key, sshd.port), '-o', 'SendEnv=GIT_PROTOCOL', host(), 'git-upload-pack /ben/v2'],
    { cwd: ben.home, env: { ...ben.env, GIT_PROTOCOL: 'version=2' }, input: '0000' },
  );
  expect(stdout).toContain('version 2');
});

test(
  'S1, S2: strangers are not signed in, and nobody gets a shell, a terminal or a tunnel',
  slow,
  async () => {
    const cyd = await served.person('cyd');
    const stranger = await makeClient(served.folder, { name: 'stranger' });
    expect((await ssh(stranger, host(), 'whoami')).stderr).toContain('Permission denied');
    expect(await ssh(cyd, host(), 'whoami')).toMatchObject({ status: 0, stdout: 'cyd\n' });
    expect((await ssh(cyd, host())).stdout).toContain('It has no shell');
    for (const command of ['id', 'sh -c id', "git-upload-pack '/cyd/app.git'; id", '$(id)', '`id`']) {
      const refused = await ssh(cyd, host(), command);
      expect(refused.stdout + refused.stderr, command).not.toContain('uid=');
      expect(refused.status, command).toBe(128);
    }
    expect((await ssh(cyd, '-tt', host(), 'whoami')).stderr).toContain('PTY allocation request failed');
    const tunnel = await ssh(cyd, '-o', 'ExitOnForwardFailure=yes', '-R', '0:127.0.0.1:22', host(), 'whoami');
    expect(tunnel.status).toBe(255);
  },
);

test('who hangs up in the middle of a clone gives the place back at once', slow, async () => {
  const dan = await served.person('dan');
  const url = sshd.url('dan/big');
  writeFileSync(`${dan.checkout}/big.bin`, randomBytes(30 * 1024 * 1024));
  await dan.commit('Big', { 'c.txt': 'c\n' });
  await dan.git('push', '--quiet', url, 'main');
  const head = await dan.git('rev-parse', 'HEAD');
  const [program, ...args] = [...sshArguments(dan.key, sshd.port), host(), 'git-upload-pack /dan/big'];
  const child = spawn(program, args, { env: dan.env });
  child.stdin.write(`0032want ${head}\n00000009done\n`);
  // It reads the beginning, and no further: git waits in the middle of the pack.
  await once(child.stdout, 'readable');
  const busy = await dan.tryGit('ls-remote', url);
  expect(busy.stderr).toContain('pika-git: The repository dan/big serves 1 git clients already');
  child.kill('SIGKILL');
  await once(child, 'close');
  await expect.poll(async () => (await dan.tryGit('ls-remote', url)).status).toBe(0);
});

test(
  'a debug shell reads commands over it, says that it has no terminal, and ends with its client',
  { timeout: 240_000 },
  async () => {
    const fay = await served.person('fay');
    const url = sshd.url('fay/app');
    await fay.commit('Start', { 'a.txt': 'one\n' });
    await fay.git('push', '--quiet', url, 'main');
    await fay.git('switch', '--quiet', '-c', 'topic');
    const lane = '[[lane]]\nid = "unit"\ncommand = "echo left >out.txt; exit 3"\n';
    await fay.commit('Lane', { '.pika/lanes.toml': lane });
    await fay.git('push', '--quiet', url, 'topic');
    const argv = [...sshArguments(fay.key, sshd.port), host(), 'shell fay/app 1 unit'];
    const open = (input: string) =>
      runProgram(argv, { cwd: fay.home, env: fay.env, input, timeoutMs: 60_000 });
    // Until the lane has failed, it is refused.
    const patience = { timeout: 100_000, interval: 200 };
    await expect.poll(async () => (await open('cat out.txt')).stdout, patience).toBe('left\n');
    const answered = await open('test -t 0 || exit 7');
    expect(answered.status).toBe(7);
    expect(answered.stderr).toContain("the system's sshd gives no terminal here");
    const [program = '', ...args] = argv;
    const child = spawn(program, args, { env: fay.env });
    child.stdin.end('echo up; sleep 1000');
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'close');
    await expect.poll(async () => (await open('echo again')).stdout, patience).toBe('again\n');
  },
);

test('when the forge is down, who is known is told so', slow, async () => {
  const eve = await served.person('eve');
  await served.stop();
  const down = await ssh(eve, host(), 'whoami');
  expect(down.status).toBe(1);
  expect(down.stderr).toContain('pika-git: The forge is not running at this moment');
  const stranger = await makeClient(served.folder, { name: 'stranger' });
  expect((await ssh(stranger, host(), 'whoami')).stderr).toContain('Permission denied');
  await served.restart();
  expect(await ssh(eve, host(), 'whoami')).toMatchObject({ status: 0, stdout: 'eve\n' });
});
