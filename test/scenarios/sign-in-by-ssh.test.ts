// `ph login --ssh` with the real ssh, with a key in a file and with one that only an agent has; what ph then does with keys
// and tokens; and Z8: where none of the secrets of all this may be seen.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test, vi } from 'vitest';
import type { CreatedTokenView, KeyView } from '../../src/accounts/credentials-model.ts';
import { makeClient, type GitClient } from '../support/git-client.ts';
import { outputOf, runProgram, type ProgramResult } from '../support/run-program.ts';
import { useServedForge, type ServedForge } from '../support/serve.ts';
import { makeKey } from '../support/ssh.ts';

const startForge = useServedForge();
const launcher = fileURLToPath(new URL('../../src/ph/ph', import.meta.url));
const agents: ChildProcess[] = [];
afterEach(async () => {
  for (const agent of agents.splice(0)) {
    const ended = once(agent, 'exit');
    agent.kill('SIGTERM');
    await ended;
  }
});

/** ph as a person runs it: with a HOME and the ssh of git, and no token in the environment. */
const phOf =
  (client: GitClient, more: Record<string, string> = {}) =>
  (...args: string[]): Promise<ProgramResult> =>
    runProgram(['sh', launcher, ...args], { cwd: client.checkout, env: { ...client.env, ...more } });

/** An agent that holds the key of the client, whose file is gone; ssh with nothing but the agent. */
async function moveToAgent(client: GitClient): Promise<Record<string, string>> {
  const socket = join(client.home, 'agent.sock');
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { env: client.env, stdio: 'ignore' });
  agents.push(agent);
  const env = { ...client.env, SSH_AUTH_SOCK: socket };
  const add = () => outputOf(['ssh-add', '-q', client.key.file], { cwd: client.home, env });
  await vi.waitFor(add, { timeout: 30_000 });
  rmSync(client.key.file);
  rmSync(`${client.key.file}.pub`);
  const options = ['BatchMode=yes', 'StrictHostKeyChecking=accept-new', 'LogLevel=ERROR'];
  const known = `UserKnownHostsFile=${join(client.home, 'known_hosts')}`;
  const ssh = ['ssh', '-F', '/dev/null', ...[...options, known].flatMap((option) => ['-o', option])];
  return { SSH_AUTH_SOCK: socket, GIT_SSH_COMMAND: ssh.join(' ') };
}

const tokenIn = ({ home }: GitClient): string => {
  const text = readFileSync(join(home, '.config/pika/session.json'), 'utf8');
  return (JSON.parse(text) as { forges: { token: string }[] }).forges[0]!.token;
};

async function useKeysAndTokens(
  served: ServedForge,
  client: GitClient,
): Promise<{ token: string; made: CreatedTokenView }> {
  const ph = phOf(client);
  const json = async <Answer>(...args: string[]): Promise<Answer> => {
    const { status, stdout, stderr } = await ph(...args, '--json');
    expect(status, stderr).toBe(0);
    return JSON.parse(stdout) as Answer;
  };
  const second = await makeKey(client.home, 'second');
  await client.commit('Start', { 'README.md': '# App\n' });
  await client.git('remote', 'add', 'origin', `ssh://git@127.0.0.1:${served.sshPort}/ada/app.git`);
  await client.git('push', '--quiet', 'origin', 'main');
  const added = await json<KeyView>('key', 'add', `${second.file}.pub`, '--label', 'second');
  expect(await json('key', 'list')).toMatchObject({ keys: [{ label: 'id_ed25519' }, { label: 'second' }] });
  expect(await ph('key', 'add', second.file)).toMatchObject({ status: 2, stdout: '' });
  expect(await ph('key', 'remove', added.fingerprint)).toMatchObject({ status: 0 });
  const deploy = await json<KeyView>('key', 'add', `${second.file}.pub`, '--deploy', '--write');
  expect(await ph('key', 'list', '--deploy')).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/second +write +SHA256:\S+ +never used\n$/),
  });
  expect(await ph('key', 'remove', String(deploy.id), '--deploy')).toMatchObject({ status: 0 });
  const made = await json<CreatedTokenView>('token', 'create', '--repo', 'ada/app', '--days', '7');
  expect(made).toMatchObject({ scope: 'write', repo: 'ada/app' });
  const caught = await ph('token', 'create', '--scope', 'read');
  expect(caught.stdout).toMatch(/^pika_\S+\n$/);
  const list = await ph('token', 'list');
  expect(list.stdout).toContain(`${made.id}  token  write, ada/app alone, until`);
  expect(list.stdout).not.toContain('pika_');
  return { token: caught.stdout.trim(), made };
}

/** Asks in every wrong way that has a secret in it, and answers what was said. */
async function askWrongly(served: ServedForge, client: GitClient, secret: string): Promise<string> {
  const said: string[] = [];
  const inQuery = await fetch(`${served.http}/api/v1/whoami?token=${secret}&access_token=${secret}`);
  expect(inQuery.status).toBe(401);
  said.push(await inQuery.text());
  for (const authorization of [`Bearer ${secret}x`, `Basic ${btoa(`x:${secret}x`)}`, `Digest ${secret}`]) {
    const refused = await fetch(`${served.http}/api/v1/whoami`, { headers: { authorization } });
    expect(refused.status).toBe(401);
    said.push(await refused.text());
  }
  const url = `${served.http.replace('//', `//x:${secret}@`)}/ada/none.git`;
  said.push((await client.tryGit('ls-remote', url)).stderr.replaceAll(url, ''));
  return said.join('\n');
}

/** The command lines of every process of this machine that can be read. */
const commandLines = (): string =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'utf8');
      } catch {
        return '';
      }
    })
    .join('\n');

test(
  'a key in a file and a key in an agent sign ph in, and no secret of it is seen anywhere (Z8)',
  { timeout: 240_000 },
  async () => {
    const served = await startForge({ settings: 'logLevel = "debug"\n' });
    const ada = await served.person('ada');
    const bea = await served.person('bea');
    const login = await phOf(ada)('login', served.http, '--ssh', '--scope', 'admin');
    expect(login).toMatchObject({ status: 0, stdout: `signed in to ${served.http} as ada\n` });
    expect(await phOf(ada)('whoami')).toMatchObject({ stdout: `ada (member) at ${served.http}\n` });

    const agent = phOf(bea, await moveToAgent(bea));
    expect(await agent('login', served.http, '--ssh')).toMatchObject({
      status: 0,
      stdout: `signed in to ${served.http} as bea\n`,
    });
    const refused = await agent('token', 'create');
    expect(refused).toMatchObject({ status: 3, stdout: '' });
    expect(refused.stderr).toContain('ph login --scope admin');
    const stranger = await makeClient(served.folder, { name: 'eve' });
    expect(await phOf(stranger)('login', served.http, '--ssh')).toMatchObject({ stdout: '' });

    const { token, made } = await useKeysAndTokens(served, ada);
    const said = await askWrongly(served, ada, token);
    const lines = commandLines();
    expect(await phOf(ada)('token', 'revoke', String(made.id))).toMatchObject({ status: 0 });
    const audit = await served.operate('doctor', '--quick');
    await served.stop();
    const stored = readdirSync(served.data)
      .filter((name) => name.startsWith('forge.db'))
      .map((name) => readFileSync(join(served.data, name), 'latin1'))
      .join('\n');
    expect(stored).toContain('token.create');
    const sinks = { said, lines, stored, log: served.errors(), audit: audit.stdout + audit.stderr };
    for (const secret of [token, made.token, tokenIn(ada), tokenIn(bea)]) {
      expect(secret).toMatch(/^pika_.{43}$/);
      for (const [name, text] of Object.entries(sinks)) expect(text.includes(secret), name).toBe(false);
    }
  },
);
