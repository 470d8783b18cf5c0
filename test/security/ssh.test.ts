import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { BaseAgent, Client, utils, type ClientChannel, type ParsedKey } from 'ssh2';
import { expect, test } from 'vitest';
import { useForge } from '../support/forge.ts';
import { serveGit, type GitServer, type Person } from '../support/git-server.ts';
import { runProgram, type ProgramResult } from '../support/run-program.ts';
import { makeKey, sshArguments } from '../support/ssh.ts';

const open = useForge();

/** Runs the real client; `command` is what it asks the server to execute. */
function ssh(server: GitServer, person: Person, ...rest: string[]): Promise<ProgramResult> {
  const argv = [...sshArguments(person.key, server.sshPort), ...rest];
  return runProgram(argv, { cwd: person.home, env: person.env, timeoutMs: 20_000 });
}

const parsed = (text: string): ParsedKey => {
  const key = utils.parseKey(text);
  if (key instanceof Error) throw key;
  return key;
};

/** Offers one key and signs with another. */
class Forger extends BaseAgent {
  readonly #offered: ParsedKey;
  readonly #signer: ParsedKey;

  constructor(offered: ParsedKey, signer: ParsedKey) {
    super();
    this.#offered = offered;
    this.#signer = signer;
  }

  getIdentities(done: (error: undefined, keys: ParsedKey[]) => void): void {
    done(undefined, [this.#offered]);
  }

  sign(
    _key: unknown,
    data: Buffer,
    options: unknown,
    done?: (error: undefined, signature: Buffer) => void,
  ): void {
    const answer = typeof options === 'function' ? (options as typeof done) : done;
    answer?.(undefined, this.#signer.sign(data));
  }
}

test('S1: who offers a known key and signs with another is not signed in', async () => {
  const it = await open();
  const server = await serveGit(it);
  const admin = await server.person('ada', 'admin');
  const own = parsed(readFileSync((await makeKey(it.folder, 'mallory')).file, 'utf8'));
  const known = parsed(admin.key.publicText);
  const signIn = async (offered: ParsedKey, signer: ParsedKey): Promise<string> => {
    const client = new Client();
    const outcome = new Promise<string>((resolve) => {
      client.on('ready', () => resolve('signed in'));
      client.on('error', (error) => resolve(error.message));
    });
    client.connect({
      host: '127.0.0.1',
      port: server.sshPort,
      username: 'git',
      agent: new Forger(offered, signer),
    });
    const said = await outcome;
    client.end();
    return said;
  };
  expect(await signIn(known, own)).toContain('authentication methods failed');
  const adminKey = parsed(readFileSync(admin.key.file, 'utf8'));
  expect(await signIn(known, adminKey)).toBe('signed in');
});

test('S1: a key that the forge does not know is refused with a sentence that says what to do', async () => {
  const it = await open();
  const server = await serveGit(it);
  const ada = await server.person('ada');
  const stranger = { ...ada, key: await makeKey(it.folder, 'stranger') };
  const argv = sshArguments(stranger.key, server.sshPort).map((word) =>
    word === 'BatchMode=yes' ? 'BatchMode=no' : word === 'LogLevel=ERROR' ? 'LogLevel=INFO' : word,
  );
  const result = await runProgram([...argv, 'git@127.0.0.1', 'whoami'], { cwd: ada.home, env: ada.env });
  expect(result.status).toBe(255);
  expect(result.stdout).toBe('');
  expect(result.stderr).toContain('None of your SSH keys is known to this forge');
  expect(result.stderr).toContain('Permission denied');
});

test('S2: only git and the three commands of the forge are known, and nothing reaches a shell', async () => {
  const it = await open();
  const server = await serveGit(it);
  const ada = await server.person('ada');
  expect(await ssh(server, ada, 'git@127.0.0.1', 'whoami')).toMatchObject({ status: 0, stdout: 'ada\n' });
  const login = await ssh(server, ada, 'git@127.0.0.1', 'login');
  expect(login.stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/login\/login_/);
  for (const command of [
    'sh -c id',
    'git-upload-archive /ada/app.git',
    "git-upload-pack '/ada/app.git'; id",
    'git-upload-pack $(id)',
    'git-upload-pack --upload-pack=id /ada/app.git',
    "git-receive-pack '/ada/../../etc.git'",
    'git-receive-pack /etc/passwd/x/y',
    `git-receive-pack '${'a'.repeat(5000)}/b'`,
    'whoami; id',
    '',
  ]) {
    const refused = await ssh(server, ada, 'git@127.0.0.1', command);
    expect(refused.stdout + refused.stderr, command).not.toContain('uid=');
    if (command !== '') expect(refused.status, command).not.toBe(0);
  }
  expect(it.forge.db.all('SELECT id FROM repos')).toEqual([]);
});

/** What a command answers to a client that says it has a terminal. */
function withTerminal(client: Client, command: string): Promise<{ text: string; status: unknown }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ text: string; status: unknown }>();
  client.exec(command, { pty: true }, (error, channel) => {
    if (error) return void reject(error);
    let text = '';
    let status: unknown;
    for (const stream of [channel, channel.stderr])
      stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    channel.on('exit', (code: unknown) => (status = code));
    channel.on('close', () => resolve({ text, status }));
  });
  return promise;
}

test('S2: no forwarding, and whoever asks for a terminal is given none, but a shell', async () => {
  const it = await open();
  const server = await serveGit(it);
  const ada = await server.person('ada');
  const client = new Client();
  const ready = once(client, 'ready');
  client.connect({
    host: '127.0.0.1',
    port: server.sshPort,
    username: 'git',
    privateKey: readFileSync(ada.key.file),
  });
  await ready;
  const refusal = (start: (done: (error: Error | undefined) => void) => void): Promise<string> =>
    new Promise((resolve) => start((error) => resolve(error?.message ?? 'allowed')));
  expect(await refusal((done) => void client.forwardOut('127.0.0.1', 1, '127.0.0.1', 22, done))).not.toBe(
    'allowed',
  );
  expect(await refusal((done) => void client.forwardIn('127.0.0.1', 0, done))).not.toBe('allowed');
  expect(await withTerminal(client, 'whoami')).toEqual({ text: 'ada\r\n', status: 0 });
  expect(await withTerminal(client, 'bash -i')).toEqual({
    text: '\rpika-git: This server knows git, help, whoami, login and shell, and no other command.\r\n',
    status: 128,
  });
  expect(await refusal((done) => void client.subsys('sftp', done))).not.toBe('allowed');
  client.end();
  await once(client, 'close');
});

test('S2: of the environment that a client sends nothing reaches git but GIT_PROTOCOL, and that only in its form', async () => {
  const it = await open();
  const server = await serveGit(it);
  const ada = await server.person('ada');
  await it.repo('ada/app', { files: { a: '1\n' } });
  const trace = `${it.folder}/trace`;
  const hostile: Record<string, string> = {
    GIT_TRACE: trace,
    GIT_TRACE_PACKET: trace,
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'uploadpack.packObjectsHook',
    GIT_CONFIG_VALUE_0: `touch ${trace}`,
    GIT_CONFIG_PARAMETERS: `'core.hooksPath=${it.folder}'`,
    GIT_DIR: it.folder,
    GIT_EXEC_PATH: it.folder,
    LD_PRELOAD: `${it.folder}/none.so`,
    PATH: it.folder,
    HOME: it.folder,
  };
  const client = new Client();
  const ready = once(client, 'ready');
  client.connect({
    host: '127.0.0.1',
    port: server.sshPort,
    username: 'git',
    privateKey: readFileSync(ada.key.file),
  });
  await ready;
  const advertised = (env: Record<string, string>): Promise<string> =>
    new Promise((resolve, reject) => {
      client.exec('git-upload-pack /ada/app', { env }, (error, channel) => {
        if (error !== undefined) return void reject(error);
        let said = '';
        channel.on('data', (chunk: Buffer) => (said += chunk.toString('latin1')));
        channel.stderr.on('data', (chunk: Buffer) => (said += chunk.toString('latin1')));
        channel.on('close', () => resolve(said));
        channel.end('0000');
      });
    });
  expect(await advertised(hostile)).toContain('refs/heads/main');
  expect(existsSync(trace)).toBe(false);
  expect(await advertised({ GIT_PROTOCOL: 'version=2' })).toContain('version 2');
  // What is not in the form that git documents is dropped as a whole.
  for (const text of [
    'version=2;x',
    'version=2:',
    'version=2 ',
    `version=2:${'x'.repeat(300)}=1`,
    '\nversion=2',
  ]) {
    expect(await advertised({ GIT_PROTOCOL: text }), text).toContain('refs/heads/main');
  }
  client.end();
  await once(client, 'close');
});

test('S2: a second command on the channel of another is not executed', async () => {
  const it = await open();
  const server = await serveGit(it);
  const ada = await server.person('ada');
  await it.repo('ada/app', { files: { a: '1\n' } });
  const client = new Client();
  const ready = once(client, 'ready');
  client.connect({
    host: '127.0.0.1',
    port: server.sshPort,
    username: 'git',
    privateKey: readFileSync(ada.key.file),
  });
  await ready;
  const channel = await new Promise<ClientChannel>((resolve, reject) => {
    client.exec('git-upload-pack /ada/app', (error, opened) => (error ? reject(error) : resolve(opened)));
  });
  let said = '';
  channel.on('data', (chunk: Buffer) => (said += chunk.toString('latin1')));
  await expect.poll(() => said).toContain('refs/heads/main');
  // No client asks so; the library's own writer of packets does.
  const { _protocol: protocol } = client as unknown as {
    _protocol: { exec: (channel: number, command: string, wantsReply: boolean) => void };
  };
  const { outgoing } = channel as unknown as { outgoing: { id: number } };
  protocol.exec(outgoing.id, 'whoami', false);
  channel.end('0000');
  await once(channel, 'close');
  expect(said).not.toContain('ada\n');
  client.end();
  await once(client, 'close');
});

test('S3: a connection that says nothing is dropped, and others are served meanwhile', async () => {
  const it = await open({ settings: { limits: { sshHandshakeSeconds: 1, maxSshConnections: 3 } } });
  const server = await serveGit(it);
  const ada = await server.person('ada');
  const silent = connect(server.sshPort, '127.0.0.1').resume();
  await once(silent, 'connect');
  const dropped = once(silent, 'close');
  expect(await ssh(server, ada, 'git@127.0.0.1', 'whoami')).toMatchObject({ status: 0 });
  await dropped;
});

test('S3: connections over the limit are dropped at once', async () => {
  // Nothing else ends the third one while the test lasts.
  const it = await open({ settings: { limits: { maxSshConnections: 2, sshHandshakeSeconds: 600 } } });
  const server = await serveGit(it);
  const held = [1, 2].map(() => connect(server.sshPort, '127.0.0.1'));
  for (const socket of held) await once(socket, 'data');
  const third = connect(server.sshPort, '127.0.0.1').resume();
  third.on('error', () => undefined);
  await once(third, 'close');
  for (const socket of held) socket.destroy();
});
