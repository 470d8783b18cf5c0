import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { getRun } from '../../src/ci/find.ts';
import { attemptFolder } from '../../src/ci/lanes/launch.ts';
import type { Lane } from '../../src/ci/model.ts';
import { shellView } from '../../src/ci/shells/shell-view.ts';
import type { Person } from '../support/git-server.ts';
import { runProgram } from '../support/run-program.ts';
import { openShellPlace, TerminalShell, type ShellPlace } from '../support/shells.ts';
import { sshArguments } from '../support/ssh.ts';

const patient = { timeout: 100_000, interval: 20 };
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

/** Every shell that was opened has ended, and how. */
const endings = (place: ShellPlace): Promise<string[]> =>
  vi.waitFor(() => {
    const shells = place.testForge.forge.db.all<{ ending: string | null }>(
      'SELECT ending FROM lane_shells ORDER BY id',
    );
    return shells.map(({ ending }) => {
      if (ending === null) throw new Error('a shell is open');
      return ending;
    });
  }, patient);

const oneBefore = (place: ShellPlace): Promise<string | undefined> =>
  endings(place).then((all) => all.at(-1));

describe.each(['bubblewrap', 'unshare', 'none'] as const)('a shell in the sandbox %s', (tier) => {
  let place: ShellPlace;
  let eve: Person;
  let lane: Lane;
  beforeAll(async () => {
    place = await openShellPlace(tier);
    eve = await place.person('eve', 'write');
    lane = await place.lanes.run('broken', 'echo of-the-lane >left-behind; echo a >"$HOME/kept"; exit 3');
  });
  afterAll(() => place.testForge.dispose());

  test('reads commands where the lane ran, with its environment, and answers their status', async () => {
    const script = `cat left-behind "$HOME/kept"; echo "$PIKA_LANE $PIKA_ATTEMPT $CI $LANG"; git log --format=%s; test -t 0 || exit 9`;
    const { status, stdout, stderr } = await place.ssh(eve, place.command(lane), script);
    expect({ status, stdout }).toEqual({
      status: 9,
      stdout: 'of-the-lane\na\nbroken 1 true C.UTF-8\nChange .pika/lanes.toml\nChange README.md\n',
    });
    expect(stderr).toContain(`run 1 · broken, attempt 1`);
    expect(stderr).toContain('its command: echo of-the-lane');
    expect(await oneBefore(place)).toBe('left');
  });

  test('has a terminal of its own: its size, the keys that interrupt, and the end of its input', async () => {
    const shell = await TerminalShell.open(place, eve, place.command(lane));
    await shell.ready();
    shell.type('stty size; echo "term $TERM"\r');
    await shell.shows(/^40 100\r\nterm xterm-256color/m);
    // Only who has the foreground for certain is interrupted.
    shell.type(`sh -c 'echo up; exec sleep 1000'\r`);
    await shell.shows(/^up\r/m);
    shell.type('\x03');
    await shell.shows(/\^C[^]*ready> $/);
    shell.type('echo "status $?"\r');
    await shell.shows(/^status 130/m);
    // A trap would be run late: a signal that comes just before a shell reads waits for what is typed next.
    shell.type(`until [ "$(stty size)" = '50 120' ]; do :; done; echo resized\r`);
    shell.resize(50, 120);
    await shell.shows(/^resized/m);
    shell.type(`PS1='last> '; (exit 5)\r`);
    await shell.shows(/last> $/);
    shell.type('\x04');
    expect(await shell.ended).toBe(5);
    expect(await oneBefore(place)).toBe('left');
    expect(place.survivors()).toEqual([]);
  });

  test('ends with the input of its terminal, whoever reads the end of it first', async () => {
    const argv = [
      ...sshArguments(eve.key, place.server.sshPort),
      '-tt',
      'git@127.0.0.1',
      place.command(lane),
    ];
    const input = 'cat\nof-the-cat\n';
    const options = { cwd: eve.home, env: eve.env, input, timeoutMs: 100_000 };
    const { status, stdout } = await runProgram(argv, options);
    expect(stdout).toMatch(/^of-the-cat\r$/m);
    expect(status).toBe(0);
  });

  test('takes with it what it started, however that tries to stay', async () => {
    const stay = `setsid sleep 1000 & (trap '' HUP TERM; sleep 1001) & nohup setsid sh -c 'sleep 1002 & sleep 1003' >/dev/null 2>&1 & echo started`;
    const { stdout } = await place.ssh(eve, place.command(lane), stay);
    expect(stdout).toBe('started\n');
    expect(await oneBefore(place)).toBe('left');
    expect(place.survivors()).toEqual([]);
  });

  test('ends when its client vanishes without a word', async () => {
    const shell = await TerminalShell.open(place, eve, place.command(lane));
    await shell.ready();
    shell.type('setsid sleep 1000 & trap "" HUP; echo up; sleep 1001\r');
    await shell.shows(/^up/m);
    expect(place.survivors()).not.toEqual([]);
    shell.vanish();
    expect(await oneBefore(place)).toBe('left');
    expect(place.survivors()).toEqual([]);
  });

  test('ends when the SSH process dies', async () => {
    const shell = await TerminalShell.open(place, eve, place.command(lane));
    await shell.ready();
    shell.type('setsid sleep 1000 & trap "" HUP; echo up; sleep 1001\r');
    await shell.shows(/^up/m);
    process.kill(place.server.transport.sshProcessId() ?? 0, 'SIGKILL');
    await shell.ended;
    expect(await oneBefore(place)).toBe('left');
    expect(place.survivors()).toEqual([]);
    // The next one is there before the next test asks it.
    await vi.waitFor(async () => {
      expect(await place.ssh(eve, 'whoami')).toMatchObject({ stdout: 'eve\n' });
    }, patient);
  });
});

describe('a shell', () => {
  let place: ShellPlace;
  let eve: Person;
  let lane: Lane;
  beforeAll(async () => {
    place = await openShellPlace('bubblewrap');
    eve = await place.person('eve', 'write');
    lane = await place.lanes.run('broken', 'echo x >left-behind; exit 3');
  });
  afterAll(() => place.testForge.dispose());

  test('is for those who may write', async () => {
    const reader = await place.person('rob', 'read');
    expect(await place.ssh(reader, place.command(lane), 'id')).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringContaining('You need the right write on demo/app, but your right is read'),
    });
    const stranger = await place.person('sam');
    expect(await place.ssh(stranger, place.command(lane), 'id')).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringContaining('There is no repository demo/app, or you may not see it'),
    });
    const { repo } = place.lanes;
    const { forge } = place.testForge;
    const run = getRun(forge, lane.runId);
    const page = {
      repo,
      run,
      lanes: [lane],
      path: '',
      lane,
      attempt: lane.attempt,
      isNewest: true,
      lanePath: '',
    };
    expect(shellView(forge, { ...page, caller: reader.caller })).toBeUndefined();
    expect(shellView(forge, { ...page, caller: eve.caller })).toMatchObject({ isKept: true });
  });

  test.each([
    ['shell demo/none 1 broken', 'There is no repository demo/none'],
    ['shell demo/app 99 broken', 'There is no run 99'],
    ['shell demo/app 1 other', 'Run 1 has no lane "other"'],
    ['shell demo/app 1 broken 7', 'The lane broken has no attempt 7'],
    ['shell demo/app 1', 'shell takes a repository, the number of a run, a lane'],
    ['shell demo/app 1 $(id) 1', 'shell takes a repository'],
    ['shell demo/app 1 broken 1 id', 'shell takes a repository'],
    ['shell demo/../app 1 broken', 'A repository is addressed as'],
    ['shell', 'shell takes a repository'],
  ])('is refused with the way out: %s', async (command, said) => {
    const { status, stdout, stderr } = await place.ssh(eve, command, 'id\n');
    expect(stderr).toContain(said);
    expect(stdout).toBe('');
    expect(status).not.toBe(0);
  });

  test('opens only where a lane has failed and left its workspace', async () => {
    const running = await place.lanes.start('slow', 'echo up; exec sleep 1000');
    expect((await place.ssh(eve, place.command(running), 'id')).stderr).toContain(
      'Attempt 1 of slow is running; a shell opens after it has failed.',
    );
    await place.lanes.cancel(running);
    const green = await place.lanes.run('green', 'true');
    expect((await place.ssh(eve, place.command(green), 'id')).stderr).toContain(
      'Attempt 1 of green ended as success; the workspaces of failed attempts alone are kept.',
    );
    expect(existsSync(attemptFolder(place.testForge.forge, { attemptId: green.attempt.id, token: 1 }))).toBe(
      false,
    );
  });

  test('is open once in an attempt, and again as soon as the one before it is over', async () => {
    const ann = await place.person('ann', 'write');
    const first = await TerminalShell.open(place, eve, place.command(lane));
    await first.ready();
    expect(await place.ssh(ann, place.command(lane), 'id')).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(/eve has a shell open in this workspace, until \d\d:\d\d UTC at most/),
    });
    first.type('echo hello >for-ann; exit\r');
    await first.ended;
    expect((await place.ssh(ann, place.command(lane), 'cat for-ann')).stdout).toBe('hello\n');
  });

  test('is not refused to who comes back while the one before it is being ended', async () => {
    const { shells } = place.lanes.ci;
    const run = Number(place.command(lane).split(' ')[2]);
    const lookAgain = () => eve.caller;
    const wanted = { caller: eve.caller, owner: 'demo', name: 'app', run, lane: lane.key, lookAgain };
    const { signal } = new AbortController();
    await endings(place);
    const first = await shells.open(wanted, signal);
    shells.end(first.id);
    const second = await shells.open(wanted, signal);
    await expect(shells.open(wanted, signal)).rejects.toThrow('eve has a shell open');
    shells.end(second.id);
    expect(await oneBefore(place)).toBe('left');
  });

  test('is one of a few on the whole forge', async () => {
    const { ci } = place.testForge.forge.config;
    const before = ci.maxShells;
    const first = await TerminalShell.open(place, eve, place.command(lane));
    await first.ready();
    ci.maxShells = 1;
    const other = await place.lanes.run('other', 'false');
    expect((await place.ssh(eve, place.command(other), 'id')).stderr).toContain('1 shells are open already');
    ci.maxShells = before;
    first.type('exit\r');
    await first.ended;
  });

  test('says what is missing where no terminal can be made', async () => {
    const { config } = place.testForge.forge;
    const before = config.searchPath;
    config.searchPath = '/nowhere';
    const refused = await TerminalShell.open(place, eve, place.command(lane));
    expect(await refused.ended).toBe(1);
    config.searchPath = before;
    expect(refused.screen).toContain(
      'The shell cannot be started: script (of util-linux) does not start here. Without a terminal it goes all the same: ssh -T.',
    );
    expect(await oneBefore(place)).toBe('left');
  });

  test('T1: repeats the command of the lane without what steers a terminal', async () => {
    const steers = 'echo \u001B]0;title\u0007\u001B[2J\u202Eback; exit 3';
    const other = await place.lanes.run('steers', steers);
    const { stderr } = await place.ssh(eve, place.command(other), 'true');
    expect(stderr).toContain('pika-git: its command: echo back; exit 3\n');
  });

  test('ends when its time is up, and says so', async () => {
    const { ci } = place.testForge.forge.config;
    const before = ci.shellMinutes;
    ci.shellMinutes = 0.01;
    const over = await place.ssh(
      eve,
      place.command(lane),
      'trap "" HUP TERM; setsid sleep 1000 & sleep 1001\n',
    );
    ci.shellMinutes = before;
    expect(over.status).toBe(124);
    expect(over.stderr).toContain('the time of this shell is up (0.01 min)');
    expect(await oneBefore(place)).toBe('time_limit');
    expect(place.survivors()).toEqual([]);
  });

  test('ends when it takes more of the disk than a lane may', async () => {
    const { ci } = place.testForge.forge.config;
    const before = ci.maxDiskBytes;
    ci.maxDiskBytes = 2 * 1024 * 1024;
    const other = await place.lanes.run('filler', 'false');
    const fill = 'i=0; while :; do i=$((i+1)); head -c 100000 /dev/zero >"f$i"; done\n';
    const over = await place.ssh(eve, place.command(other), fill);
    ci.maxDiskBytes = before;
    expect(over.stderr).toContain('this shell took more than 2 MiB of the disk, and was ended.');
    expect(await oneBefore(place)).toBe('over_limit');
    expect(place.survivors()).toEqual([]);
  });

  test('ends when its user may not write any more', async () => {
    const bob = await place.person('bob', 'write');
    const shell = await TerminalShell.open(place, bob, place.command(lane));
    await shell.ready();
    place.lanes.ci.shells.look();
    shell.type('echo "still $((40 + 2))"\r');
    await shell.shows(/still 42/);
    const { db } = place.testForge.forge;
    db.run(`DELETE FROM repo_members WHERE account_id = (SELECT id FROM accounts WHERE name = 'bob')`);
    place.lanes.ci.shells.look();
    await shell.ended;
    expect(shell.screen).toContain('you may not write here any more');
    expect(await oneBefore(place)).toBe('right_lost');
  });

  test('stands in the audit log with its beginning and its end', async () => {
    await place.ssh(eve, place.command(lane), 'true');
    await endings(place);
    const [opened, ended] = place.audit().slice(-2);
    expect(opened).toMatchObject({
      action: 'shell.open',
      detail: { lane: 'broken', attempt: 1, minutes: 30 },
    });
    expect(ended).toMatchObject({
      action: 'shell.end',
      detail: { lane: 'broken', attempt: 1, ending: 'left' },
    });
    expect(ended?.detail['shell']).toBe(opened?.detail['shell']);
  });

  test('sees nothing of the forge, and cannot write its repository', async () => {
    const { data } = place.testForge.forge.config.paths;
    writeFileSync(join(data, 'keys', 'secret'), 'the-secret');
    const script = `ls ${data}; cat ${data}/keys/secret; cat /etc/shadow; touch /lane/objects/x; git push origin HEAD; env`;
    const { stdout } = await place.ssh(eve, place.command(lane), script);
    expect(stdout).not.toContain('the-secret');
    expect(stdout).not.toContain('root:');
    expect(stdout).not.toContain(data);
    expect(existsSync(join(place.testForge.repoFolder(place.lanes.repo), 'objects', 'x'))).toBe(false);
  });
});

test('every shell ends with the forge', async () => {
  const place = await openShellPlace('none');
  const eve = await place.person('eve', 'write');
  const lane = await place.lanes.run('broken', 'false');
  const shell = await TerminalShell.open(place, eve, place.command(lane));
  await shell.ready();
  shell.type('setsid sleep 1000 & trap "" HUP TERM; echo up; sleep 1001\r');
  await shell.shows(/^up/m);
  const stopped = place.lanes.ci.stop();
  await shell.ended;
  await stopped;
  expect(await endings(place)).toEqual(['forge_stopped']);
  expect(place.survivors()).toEqual([]);
  await place.testForge.dispose();
});
