// One round of work on a forge: branches are pushed, moved by force and deleted over SSH and HTTP, one is merged,
// and housekeeping goes over the repository, all at the same time.
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { makeClient, type GitClient } from '../support/git-client.ts';
import { manifestOf, pushProject } from '../support/sample-project.ts';
import type { ServedForge } from '../support/serve.ts';
import { Ledger } from './ledger.ts';

export const repoName = 'demo/app';

export interface Scene {
  served: ServedForge;
  people: GitClient[];
  token: string;
  ledger: Ledger;
  random: () => number;
}

const peopleCount = 3;
/** A lane that was cut off runs again when its lease is over. */
const greenMs = 8000;
/** So many branches stay open that every round has some to move, and the checks stay short. */
const maxBranches = 10;

export async function openScene(served: ServedForge, random: () => number): Promise<Scene> {
  const ada = await served.person('ada', 'admin');
  const lanes = [
    { id: 'unit', command: 'echo lane-ran' },
    { id: 'more', command: 'echo lane-ran; sleep 0.2' },
  ];
  const files = { '.pika/lanes.toml': manifestOf(lanes), 'README.md': '# Soak\n' };
  await pushProject(served, { client: ada, repo: repoName, files });
  const token = await served.token('ada');
  const people = [ada];
  // The same person at several terminals: each push needs a checkout of its own.
  while (people.length < peopleCount) {
    const other = await makeClient(served.folder, { name: `ada${people.length}` });
    other.env['GIT_SSH_COMMAND'] = ada.env['GIT_SSH_COMMAND'] ?? '';
    await other.git('remote', 'add', 'origin', `ssh://git@${served.ssh}/${repoName}.git`);
    await other.git('fetch', '--quiet', 'origin');
    await other.git('switch', '--quiet', '--create', 'main', 'origin/main');
    people.push(other);
  }
  return { served, people, token, ledger: new Ledger(), random };
}

/**
 * Makes everything ready and answers what starts it, all at once; that ends when each part was answered or broke off.
 */
export async function prepareWork(
  scene: Scene,
  needs: { merge: boolean; housekeeping: boolean },
): Promise<() => Promise<void>> {
  const free = new Set(scene.ledger.names().filter((name) => name !== 'main'));
  const take = (): string | undefined => {
    const names = [...free];
    const name = names[Math.floor(scene.random() * names.length)];
    if (name !== undefined) free.delete(name);
    return name;
  };
  // The merge chooses first: it needs one whose lanes have ended.
  const merged = await chooseGreen(scene, { names: free, patienceMs: needs.merge ? greenMs : 0 });
  if (merged !== undefined) free.delete(merged.name);
  const prepared = scene.people.map((client, index) => {
    const isFull = scene.ledger.names().length >= maxBranches;
    const old = isFull || scene.random() < 0.4 ? take() : undefined;
    const isDeleted = old !== undefined && (isFull || scene.random() < 0.3);
    return preparePush(scene, { client, name: old, isDeleted, isHttp: index % 2 === 1 });
  });
  const pushes = await Promise.all(prepared);
  return async () => {
    await Promise.all([
      ...pushes.map((push) => push()),
      ...(merged === undefined ? [] : [merge(scene, merged)]),
      ...(needs.housekeeping ? [scene.served.operate('housekeeping')] : []),
    ]);
    // Beside pushes it steps aside, so it gets a turn of its own too.
    if (needs.housekeeping) await scene.served.operate('housekeeping');
  };
}

interface Push {
  client: GitClient;
  /** A branch that stands; without it a new one. */
  name: string | undefined;
  isDeleted: boolean;
  isHttp: boolean;
}

async function preparePush(
  scene: Scene,
  { client, name: old, isDeleted, isHttp }: Push,
): Promise<() => Promise<void>> {
  const { served, ledger, token, random } = scene;
  const name = old ?? ledger.newName();
  const url = isHttp
    ? `${served.http.replace('//', `//x:${token}@`)}/${repoName}.git`
    : `ssh://git@${served.ssh}/${repoName}.git`;
  const to = isDeleted ? undefined : await commitFor(client, name, random);
  const source = to === undefined ? '' : `+${to}`;
  return async () => {
    const answered = ledger.begin({ name, to });
    const { status } = await client.tryGit('push', '--quiet', url, `${source}:refs/heads/${name}`);
    answered(status === 0);
  };
}

/** A commit on main that only this branch can make; sometimes so large that git keeps its pack. */
async function commitFor(client: GitClient, name: string, random: () => number): Promise<string> {
  await client.git('switch', '--quiet', '--detach', 'main');
  const count = random() < 0.3 ? 150 : 1;
  const text = String(random());
  const files = Array.from({ length: count }, (_, index) => [
    join(name, `${index}.txt`),
    `${text} ${index}\n`.repeat(count === 1 ? 1 : 20),
  ]);
  return client.commit(`Change ${name}`, Object.fromEntries(files) as Record<string, string>);
}

interface Green {
  name: string;
  number: number;
  head: string;
}

/** One of the open branches that may be merged; undefined when there is none after some patience. */
async function chooseGreen(
  scene: Scene,
  { names, patienceMs }: { names: ReadonlySet<string>; patienceMs: number },
): Promise<Green | undefined> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const { branches } = (await (await api(scene, '/branches?state=open')).json()) as { branches: Green[] };
    for (const { name, number, head } of branches.reverse()) {
      if (!names.has(name)) continue;
      const status = (await (await api(scene, `/branches/${number}`)).json()) as { gate: { open: boolean } };
      if (status.gate.open) return { name, number, head };
    }
    if (Date.now() > deadline) return undefined;
    await delay(200);
  }
}

async function merge(scene: Scene, { name, number, head }: Green): Promise<void> {
  const answered = scene.ledger.begin({ name, to: undefined });
  const ok = await api(scene, `/branches/${number}/merge`, { head }).then(
    (response) => response.ok,
    () => false,
  );
  answered(ok);
}

/** Below the repository's API as ada; with a body it is a POST. */
export function api({ served, token }: Scene, path: string, body?: object): Promise<Response> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const post = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
  return fetch(`${served.http}/api/v1/repos/${repoName}${path}`, { headers, ...post });
}
