// A forge in this process with something to see on every page: people and agents, a red lane with tests and files, two
// branches that conflict, one that waits in the queue, one merged, one closed, talk, holds, a webhook and keys.
import { mkdirSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { createAccount } from '../../src/accounts/create-account.ts';
import { createInvitation } from '../../src/accounts/invite.ts';
import type { Account } from '../../src/accounts/model.ts';
import { createTokenRow } from '../../src/accounts/create-token.ts';
import { createLoginLink } from '../../src/accounts/sign-in.ts';
import { systemCaller } from '../../src/accounts/system.ts';
import { readConfig } from '../../src/forge/config.ts';
import { serve, type Served } from '../../src/operator/serve.ts';
import { createRepo } from '../../src/repos/create-repo.ts';
import { setMember } from '../../src/repos/members.ts';
import type { Repo } from '../../src/repos/model.ts';
import { pushFiles } from './push-files.ts';
import { addRichMirrors, richMirrorsWereTried } from './rich-mirrors.ts';
import { branchesOfRich, filesOfMain } from './rich-files.ts';
import { outputOf } from './run-program.ts';

const patienceMs = 120_000;
const publicKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g laptop';

export interface RichForge {
  served: Served;
  repo: Repo;
  /** The head of branch #1. */
  head: string;
  webhook: number;
  delivery: number;
  /** The secret of an invitation that nobody took. */
  invitation: string;
  /** Opens the forge's pages as `ada`, who is an admin and owns `ada/app`. */
  signIn: (page: Page) => Promise<void>;
  dispose: () => Promise<void>;
}

/** The caller disposes it. */
export async function startRichForge(): Promise<RichForge> {
  const folder = mkdtempSync(join(tmpdir(), 'pika-rich-'));
  mkdirSync(join(folder, 'backups'));
  const settings = {
    http: { port: 0 },
    ssh: { port: 0 },
    logLevel: 'silent',
    backups: { folder: join(folder, 'backups') },
    webhooks: { allowedRanges: ['127.0.0.1'] },
    mirror: { allowedSchemes: ['file', 'ssh'], allowedRanges: ['127.0.0.1'] },
  };
  const environment = { PATH: process.env['PATH'] };
  const served = await serve(readConfig(join(folder, 'data'), settings, environment), { welcome: false });
  const dispose = async (): Promise<void> => {
    await served.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    return { ...(await furnish(served, folder)), served, dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

interface People {
  ada: Account;
  ben: Account;
  robot: Account;
}

type Furnished = Omit<RichForge, 'served' | 'dispose'>;

async function furnish(served: Served, folder: string): Promise<Furnished> {
  const { forge } = served;
  const caller = systemCaller(forge);
  const people: People = {
    ada: createAccount(forge, { name: 'ada', kind: 'person', role: 'admin' }),
    ben: createAccount(forge, { name: 'ben', kind: 'person', role: 'member' }),
    robot: createAccount(forge, { name: 'robot', kind: 'agent', role: 'member' }),
  };
  const repo = await createRepo(forge, { owner: 'ada', name: 'app', visibility: 'public', caller });
  for (const account of ['ben', 'robot']) setMember(forge, { repo, caller, account, role: 'write' });
  const api = speaker(served, people);
  const heads = await pushAll({ served, folder, people });
  await act(api, heads);
  const { id: webhook } = await api('ada', 'POST', '/repos/ada/app/webhooks', {
    url: 'http://127.0.0.1:9/told',
  });
  await api('ada', 'POST', `/repos/ada/app/webhooks/${Number(webhook)}/ping`, {});
  const { deliveries } = await api('ada', 'GET', `/repos/ada/app/webhooks/${Number(webhook)}/deliveries`);
  const asAda = (method: string, path: string, body?: unknown) => api('ada', method, path, body);
  await addRichMirrors(asAda, { forge, folder });
  await untilTrue(() => richMirrorsWereTried(asAda));
  await api('ada', 'POST', '/account/keys', { text: publicKey });
  const invited = createInvitation(forge, {
    caller: { ...caller, account: people.ada },
    role: 'member',
    note: 'for eve',
  });
  return {
    repo,
    head: heads[0] ?? '',
    webhook: Number(webhook),
    delivery: (deliveries as { id: number }[])[0]?.id ?? 0,
    invitation: /join\/([^/]+)$/.exec(invited.link)?.[1] ?? '',
    signIn: async (page) => {
      await page.goto(createLoginLink(forge, { accountId: people.ada.id }));
      await page.getByRole('main').getByRole('button').first().click();
      await page.waitForURL(`${served.http}/`);
    },
  };
}

type Api = (
  by: keyof People,
  method: string,
  path: string,
  body?: unknown,
) => Promise<Record<string, unknown>>;

function speaker({ forge, http }: Served, people: People): Api {
  const tokens = new Map(
    Object.entries(people).map(([name, { id }]) => [
      name,
      createTokenRow(forge, { accountId: id, scope: 'admin', label: `of ${name}` }).secret,
    ]),
  );
  return async (by, method, path, body) => {
    const response = await fetch(`${http}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${tokens.get(by)}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} was answered with ${response.status}: ${text}`);
    return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  };
}

/** Main, then a branch each for ben and the agent, pushed by git as they do it. Answers the heads of the branches. */
async function pushAll(given: { served: Served; folder: string; people: People }): Promise<string[]> {
  const { served, folder, people } = given;
  const { git } = served.forge;
  const scratch = join(folder, 'scratch.git');
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, LC_ALL: 'C' };
  await outputOf(['git', 'init', '--quiet', '--bare', scratch], { cwd: folder, env });
  const push = async (account: Account, ref: string): Promise<void> => {
    const { secret } = createTokenRow(served.forge, { accountId: account.id, scope: 'write' });
    const url = served.http.replace('://', `://${account.name}:${secret}@`);
    const argv = ['git', '--git-dir', scratch, 'push', '--quiet', `${url}/ada/app.git`, ref];
    await outputOf(argv, { cwd: folder, env, timeoutMs: patienceMs });
  };
  const base = await pushFiles(git, {
    repo: scratch,
    branch: 'main',
    files: filesOfMain,
    message: 'Start the clock',
  });
  await push(people.ada, 'refs/heads/main');
  const heads: string[] = [];
  for (const [at, branch] of branchesOfRich.entries()) {
    heads.push(await pushFiles(git, { repo: scratch, from: base, ...branch }));
    await push(at === 2 ? people.robot : people.ben, `refs/heads/${branch.branch}`);
  }
  return heads;
}

async function act(api: Api, heads: readonly string[]): Promise<void> {
  const branch = (number: number): string => `/repos/ada/app/branches/${number}`;
  for (const number of [1, 2, 3, 4, 5]) {
    await untilTrue(async () => {
      const { run, tutorial } = await api('ada', 'GET', branch(number));
      const { state } = (run ?? {}) as { state?: string };
      const isWritten = (tutorial as { state?: string } | null)?.state === 'ready';
      return isWritten && ['success', 'failed'].includes(state ?? '');
    });
  }
  const line = { path: 'src/clock.ts', line: 3, head: heads[0] };
  const { id } = await api('ada', 'POST', `${branch(1)}/threads`, { body: 'Why **three**, @ben?', ...line });
  await api('ben', 'POST', `${branch(1)}/threads/${Number(id)}/comments`, {
    body: 'Because `two` is taken.',
  });
  await api('ada', 'POST', `${branch(1)}/threads`, {
    body: 'A note to myself.',
    path: 'README.md',
    draft: true,
  });
  await api('robot', 'POST', `${branch(1)}/threads`, {
    body: 'I have measured it:\n\n```ts\nconst a = 1;\n```',
  });
  await api('robot', 'POST', `${branch(1)}/reviews`, { verdict: 'changes', body: 'Nearly.', head: heads[0] });
  await api('ada', 'POST', `${branch(1)}/holds`, { reason: 'Not before the release' });
  await api('ada', 'POST', `${branch(3)}/merge`, { head: heads[2] });
  await api('ada', 'POST', `${branch(5)}/close`, {});
  await api('ada', 'POST', '/repos/ada/app/landings/pause', { reason: 'the release is being made' });
  await api('ada', 'POST', `${branch(4)}/land`, { head: heads[3] });
}

async function untilTrue(isSo: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + patienceMs;
  while (!(await isSo().catch(() => false))) {
    if (Date.now() > end) throw new Error('The forge was not furnished in time.');
    await setTimeout(100);
  }
}
