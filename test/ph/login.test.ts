import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { addNostrKey } from '../../src/accounts/nostr-keys.ts';
import { createLoginLink } from '../../src/accounts/sign-in.ts';
import { publicKeyOf } from '../../src/lib/nostr.ts';
import { useForge } from '../support/forge.ts';
import { atTerminal, type Terminal } from './at-terminal.ts';

const open = useForge();
const sessionOf = ({ client }: Terminal) => join(client.home, 'config/pika/session.json');

function writeToken({ client }: Terminal, text: string): string {
  const file = join(client.home, 'token');
  writeFileSync(file, text);
  return file;
}

test('a token from a file signs in, in a file that nobody else may read', async () => {
  const terminal = await atTerminal(await open());
  const { phWith, origin, token } = terminal;
  const login = await phWith({}, 'login', origin, '--token-file', writeToken(terminal, `${token}\n`));
  expect(login).toMatchObject({ status: 0, stdout: `signed in to ${origin} as ada\n` });
  expect(statSync(sessionOf(terminal)).mode & 0o777).toBe(0o600);
  expect(await phWith({}, 'whoami')).toMatchObject({ status: 0, stdout: `ada (member) at ${origin}\n` });
  expect(await phWith({}, 'status')).toMatchObject({ status: 0 });
});

test('a token that the forge does not know signs nobody in', async () => {
  const terminal = await atTerminal(await open());
  const file = writeToken(terminal, 'pika_unknown');
  const login = await terminal.phWith({}, 'login', terminal.origin, '--token-file', file);
  expect(login).toMatchObject({ status: 3, stdout: '' });
  expect(existsSync(sessionOf(terminal))).toBe(false);
});

test('a file that holds no token is wrong use, one that is missing is not found', async () => {
  const terminal = await atTerminal(await open());
  const { phWith, origin } = terminal;
  const file = writeToken(terminal, 'two words');
  expect(await phWith({}, 'login', origin, '--token-file', file)).toMatchObject({ status: 2 });
  expect(await phWith({}, 'login', origin, '--token-file', `${file}.none`)).toMatchObject({ status: 4 });
});

test('signing out takes the token back on the forge and forgets it here', async () => {
  const terminal = await atTerminal(await open());
  const { phWith, origin, token } = terminal;
  await phWith({}, 'login', origin, '--token-file', writeToken(terminal, token));
  expect(await phWith({}, 'logout')).toMatchObject({ status: 0, stdout: `signed out of ${origin}\n` });
  expect(readFileSync(sessionOf(terminal), 'utf8')).not.toContain(token);
  expect(await phWith({ PH_URL: origin, PH_TOKEN: token }, 'whoami')).toMatchObject({ status: 3 });
  expect(await phWith({}, 'logout', origin)).toMatchObject({ status: 4 });
});

test('the one-time link that ssh prints becomes a sign-in, and the ssh remote is this forge from then on', async () => {
  const terminal = await atTerminal(await open());
  const { phWith, client, staged, origin } = terminal;
  await client.git('remote', 'set-url', 'origin', 'ssh://git@127.0.0.1:2222/ada/app.git');
  const link = createLoginLink(staged.forge, { accountId: staged.account.id });
  // Stands where ssh stands: it checks its arguments and prints what the forge's `login` prints.
  const ssh = join(client.home, 'ssh');
  writeFileSync(
    ssh,
    `#!/bin/sh\n[ "$*" = "-p 2222 git@127.0.0.1 login" ] || exit 9\necho 'Sign in as ada:'\necho '  ${link}'\n`,
  );
  chmodSync(ssh, 0o755);
  const login = await phWith({ GIT_SSH_COMMAND: ssh }, 'login', '--ssh');
  expect(login).toMatchObject({ status: 0, stdout: `signed in to ${origin} as ada\n` });
  expect(await phWith({}, 'status')).toMatchObject({ status: 0 });
});

test('an ssh that gives no link ends with the command to try', async () => {
  const { phWith, origin } = await atTerminal(await open());
  const login = await phWith({ GIT_SSH_COMMAND: 'false' }, 'login', origin, '--ssh');
  expect(login).toMatchObject({
    status: 3,
    stderr: expect.stringContaining('ssh -p 2222 git@127.0.0.1 whoami'),
  });
});

test('a damaged session file is named with the way out', async () => {
  const terminal = await atTerminal(await open());
  await terminal.phWith({}, 'login', terminal.origin, '--token-file', writeToken(terminal, terminal.token));
  writeFileSync(sessionOf(terminal), '{');
  expect(await terminal.phWith({}, 'status')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('Remove it and sign in again'),
  });
});

test('a secret key of Nostr signs in here, and is sent nowhere', async () => {
  const terminal = await atTerminal(await open());
  const { phWith, origin, staged, client } = terminal;
  const secretKey = Buffer.from('67dea2ed018072d675f5415ecfaed7d2597555e202d85b3d65ea4e58d2d92ffa', 'hex');
  const nsec = 'nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5';
  const file = join(client.home, 'nostr.key');
  writeFileSync(file, `${nsec}\n`);
  const unknown = await phWith({}, 'login', origin, '--nsec-file', file);
  expect(unknown).toMatchObject({ status: 3, stdout: '' });
  expect(unknown.stderr).toMatch(/npub1\w+ belongs to no account of this forge/);
  addNostrKey(staged.forge, { accountId: staged.account.id, publicKey: publicKeyOf(secretKey) });
  const login = await phWith({}, 'login', origin, '--nsec-file', file);
  expect(login).toMatchObject({ status: 0, stdout: `signed in to ${origin} as ada\n` });
  expect(await phWith({}, 'whoami')).toMatchObject({ status: 0, stdout: `ada (member) at ${origin}\n` });
  expect(readFileSync(sessionOf(terminal), 'utf8')).not.toContain('nsec');
});

test('a key is signed with for the forge that was meant alone, and a file without one is wrong use', async () => {
  const terminal = await atTerminal(await open());
  const { phWith, origin, staged, client } = terminal;
  const file = join(client.home, 'nostr.key');
  writeFileSync(file, 'npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg\n');
  expect(await phWith({}, 'login', origin, '--nsec-file', file)).toMatchObject({ status: 2 });
  writeFileSync(file, '1'.repeat(64));
  staged.forge.config.publicUrl = 'https://git.example.org';
  const other = await phWith({}, 'login', origin, '--nsec-file', file);
  expect(other).toMatchObject({ status: 2, stdout: '' });
  expect(other.stderr).toContain('This forge calls itself https://git.example.org');
});
