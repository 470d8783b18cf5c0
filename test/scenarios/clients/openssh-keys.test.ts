// OpenSSH with every kind of key that people have, by a file and by an agent, and with the signature that must not
// count any more.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import type { GitClient } from '../../support/git-client.ts';
import { outputOf, runProgram, type ProgramResult } from '../../support/run-program.ts';
import { useSharedForge, type ServedForge } from '../../support/serve.ts';
import { makeKey, sshArguments, type SshKey } from '../../support/ssh.ts';

const shared = useSharedForge();

interface Kind {
  title: string;
  /** The arguments of ssh-keygen. */
  make: string[];
  /** The name of the signature, as ssh calls it. */
  signature: string;
}

const kinds: Kind[] = [
  { title: 'an Ed25519 key', make: ['-t', 'ed25519'], signature: 'ssh-ed25519' },
  { title: 'an RSA key and SHA-256', make: ['-t', 'rsa', '-b', '2048'], signature: 'rsa-sha2-256' },
  { title: 'an RSA key and SHA-512', make: ['-t', 'rsa', '-b', '2048'], signature: 'rsa-sha2-512' },
  { title: 'an ECDSA key of 256 bits', make: ['-t', 'ecdsa', '-b', '256'], signature: 'ecdsa-sha2-nistp256' },
  { title: 'an ECDSA key of 384 bits', make: ['-t', 'ecdsa', '-b', '384'], signature: 'ecdsa-sha2-nistp384' },
  { title: 'an ECDSA key of 521 bits', make: ['-t', 'ecdsa', '-b', '521'], signature: 'ecdsa-sha2-nistp521' },
];

let met = 0;

interface Meeting {
  served: ServedForge;
  person: GitClient;
  key: SshKey;
  url: string;
}

/** A person who comes with this kind of key and no other. */
async function meet(make: string[]): Promise<Meeting> {
  const served = await shared();
  met += 1;
  const name = `key${met}`;
  const person = await served.person(name);
  const key = { file: join(person.home, `key-${name}`), publicText: '' };
  const keygen = ['ssh-keygen', '-q', '-N', '', '-C', name, '-f', key.file, ...make];
  await outputOf(keygen, { cwd: person.home, env: person.env });
  const owner = `${name}b`;
  const added = await served.operate('account', 'add', owner, '--ssh-key', `${key.file}.pub`);
  expect(added.status, added.stderr).toBe(0);
  await person.commit('Start', { 'a.txt': 'a\n' });
  return { served, person, key, url: `ssh://git@${served.ssh}/${owner}/app.git` };
}

const gitWith = ({ person }: Meeting, ssh: string[], args: string[]): Promise<ProgramResult> =>
  runProgram(['git', ...args], {
    cwd: person.checkout,
    env: { ...person.env, GIT_SSH_COMMAND: ssh.join(' ') },
  });

for (const { title, make, signature } of kinds) {
  test(`${title} signs in, pushes and fetches`, { timeout: 60_000 }, async () => {
    const meeting = await meet(make);
    const ssh = [...sshArguments(meeting.key), '-v', '-o', `PubkeyAcceptedAlgorithms=${signature}`];
    const pushed = await gitWith(meeting, ssh, ['push', meeting.url, 'main']);
    expect(pushed.status, pushed.stderr).toBe(0);
    expect(pushed.stderr).toMatch(/Authenticated to .* using "publickey"/);
    const fetched = await gitWith(meeting, ssh, ['ls-remote', meeting.url, 'HEAD']);
    expect(fetched.stdout).toBe(`${await meeting.person.git('rev-parse', 'HEAD')}\tHEAD\n`);
  });
}

test('an RSA key that signs with SHA-1 is not let in', async () => {
  const meeting = await meet(['-t', 'rsa', '-b', '2048']);
  const ssh = [...sshArguments(meeting.key), '-o', 'PubkeyAcceptedAlgorithms=ssh-rsa'];
  const pushed = await gitWith(meeting, ssh, ['push', meeting.url, 'main']);
  expect(pushed.status).toBe(128);
  expect(pushed.stderr).toContain('Permission denied');
});

test('an agent signs for a key whose file is not there, and the forge finds the right one of several', async () => {
  const meeting = await meet(['-t', 'ed25519']);
  const { person, key, url } = meeting;
  const socket = join(person.home, 'agent.sock');
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { env: person.env, stdio: 'ignore' });
  onTestFinished(async () => {
    const ended = once(agent, 'exit');
    agent.kill();
    await ended;
  });
  await expect.poll(() => existsSync(socket)).toBe(true);
  const env = { ...person.env, SSH_AUTH_SOCK: socket };
  const strange = await makeKey(person.home, 'strange');
  for (const file of [strange.file, key.file])
    await outputOf(['ssh-add', '-q', file], { cwd: person.home, env });
  const ssh = sshArguments({ file: `${key.file}.gone`, publicText: '' })
    .filter((word) => word !== 'IdentitiesOnly=yes')
    .map((word) => (word === 'IdentityAgent=none' ? `IdentityAgent=${socket}` : word))
    .join(' ')
    .replace(/-o -o/g, '-o');
  const pushed = await runProgram(['git', 'push', url, 'main'], {
    cwd: person.checkout,
    env: { ...env, GIT_SSH_COMMAND: ssh },
  });
  expect(pushed.status, pushed.stderr).toBe(0);
  const who = await runProgram(
    [...ssh.split(' '), '-p', String(meeting.served.sshPort), 'git@127.0.0.1', 'whoami'],
    {
      cwd: person.home,
      env,
    },
  );
  expect(who.stdout).toContain(`${person.name}b`);
});

test('a person without any known key is told what to do', async () => {
  const meeting = await meet(['-t', 'ed25519']);
  const strange = await makeKey(meeting.person.home, 'strange');
  const pushed = await gitWith(meeting, sshArguments(strange), ['push', meeting.url, 'main']);
  expect(pushed.status).toBe(128);
  expect(pushed.stderr).toMatch(/Permission denied|None of your SSH keys is known/);
});

/** Two connections through one master: the second channel is a session of its own. */
test('connections that are shared through a control master serve many pushes', async () => {
  const meeting = await meet(['-t', 'ed25519']);
  const { person, key, url, served } = meeting;
  const control = join(person.home, 'control');
  const ssh = [
    ...sshArguments(key),
    '-o',
    `ControlPath=${control}`,
    '-o',
    'ControlMaster=auto',
    '-o',
    'ControlPersist=20',
  ];
  onTestFinished(async () => {
    const argv = [...ssh, '-p', String(served.sshPort), '-O', 'exit', 'git@127.0.0.1'];
    await runProgram(argv, { cwd: person.home, env: person.env });
    while (existsSync(control)) await delay(10);
  });
  for (const name of ['main', 'one', 'two', 'three']) {
    const pushed = await gitWith(meeting, ssh, ['push', url, `HEAD:refs/heads/${name}`]);
    expect(pushed.status, pushed.stderr).toBe(0);
  }
  const listed = await gitWith(meeting, ssh, ['ls-remote', '--heads', url]);
  expect(listed.stdout.trim().split('\n')).toHaveLength(4);
});
