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
import { getAccountByName } from '../../src/accounts/find.ts';
import type { Account } from '../../src/accounts/model.ts';
import { createTokenRow } from '../../src/accounts/create-token.ts';
import { createLoginLink } from '../../src/accounts/sign-in.ts';
import { systemCaller } from '../../src/accounts/system.ts';
import { readConfig } from '../../src/forge/config.ts';
import { serve, type Served } from '../../src/operator/serve.ts';
import { createRepo } from '../../src/repos/create-repo.ts';
import { setMember } from '../../src/repos/members.ts';
import type { Repo } from '../../src/repos/model.ts';
import { pushFiles, type PushFiles } from './push-files.ts';
import { addRichMirrors, richMirrorsWereTried } from './rich-mirrors.ts';
import { branchesOfRich, filesOfMain } from './rich-files.ts';
import { outputOf } from './run-program.ts';

const patienceMs = 120_000;
const publicKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g laptop';

export interface RichForge {
  /** By now: it may have been started again. */
  readonly served: Served;
  repo: Repo;
  /** The head of branch #1. */
  head: string;
  webhook: number;
  delivery: number;
  /** The secret of an invitation that nobody took. */
  invitation: string;
  /** Opens the forge's pages as `ada`, who is an admin and owns `ada/app`, or as somebody else. */
  signIn: (page: Page, name?: string) => Promise<void>;
  /** Asks the API as ada, ben or the agent; throws what it refuses. */
  api: Api;
  /** Commits on a branch of `ada/app` in a clone and pushes it by force. Answers its head. */
  push: (by: PersonName, branch: Omit<PushFiles, 'repo'>) => Promise<string>;
  /** Stops it and starts it again on the same data and address. */
  restart: () => Promise<void>;
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
  const start = (port: number): Promise<Served> => {
    const config = readConfig(join(folder, 'data'), { ...settings, http: { port } }, environment);
    return serve(config, { welcome: false });
  };
  const served = await start(0);
  const now = { served };
  const restart = async (): Promise<void> => {
    await now.served.stop();
    now.served = await start(Number(new URL(served.http).port));
  };
  const dispose = async (): Promise<void> => {
    await now.served.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const furnished = await furnish(now, folder);
    return {
      ...furnished,
      get served() {
        return now.served;
      },
      restart,
      dispose,
    };
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

type Furnished = Omit<RichForge, 'served' | 'restart' | 'dispose'>;
type PersonName = keyof People;
/** What is served by now: it may have been started again. */
interface Now {
  served: Served;
}

async function furnish(now: Now, folder: string): Promise<Furnished> {
  const { served } = now;
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
  const push = await pusher({ now, folder, people });
  const heads = await pushAll(push);
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
    api,
    push,
    signIn: async (page, name = 'ada') => {
      const { id } = getAccountByName(now.served.forge, name);
      await page.goto(createLoginLink(now.served.forge, { accountId: id }));
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

/** Commits into a clone and pushes by git, as people and agents do it. */
async function pusher(given: { now: Now; folder: string; people: People }): Promise<RichForge['push']> {
  const { now, folder, people } = given;
  const scratch = join(folder, 'scratch.git');
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, LC_ALL: 'C' };
  await outputOf(['git', 'init', '--quiet', '--bare', scratch], { cwd: folder, env });
  return async (by, branch) => {
    const { forge, http } = now.served;
    const oid = await pushFiles(forge.git, { repo: scratch, ...branch });
    const { secret } = createTokenRow(forge, { accountId: people[by].id, scope: 'write' });
    const url = http.replace('://', `://${by}:${secret}@`);
    const ref = `+refs/heads/${branch.branch}`;
    const argv = ['git', '--git-dir', scratch, 'push', '--quiet', `${url}/ada/app.git`, ref];
    await outputOf(argv, { cwd: folder, env, timeoutMs: patienceMs });
    return oid;
  };
}

/** Main, then a branch each for ben and the agent. Answers the heads of the branches. */
async function pushAll(push: RichForge['push']): Promise<string[]> {
  const base = await push('ada', { branch: 'main', files: filesOfMain, message: 'Start the clock' });
  const heads: string[] = [];
  for (const [at, branch] of branchesOfRich.entries())
    heads.push(await push(at === 2 ? 'robot' : 'ben', { from: base, ...branch }));
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
