// A hundred branches of a real repository, pushed by git and landed by the queue of a forge that serves, with real lanes
// in their sandbox. The repository is the history of this project where it is a checkout, else a made one.
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { branchListView } from '../../src/landing/model.ts';
import { queueView } from '../../src/landing/queue/model.ts';
import type { GitClient } from '../support/git-client.ts';
import { manifestOf } from '../support/sample-project.ts';
import { disposeServed, startForge, type ServedForge } from '../support/serve.ts';
import { makeRepo } from './made-repo.ts';
import type { Figure } from './measure.ts';

const top = fileURLToPath(new URL('../..', import.meta.url));
const branches = 100;
const batch = 8;
/** Every so many branches one that is green alone and red beside another of its kind. */
const redEvery = 20;
const patienceMs = 30 * 60_000;

export async function measureRealLanding(): Promise<Figure[]> {
  const served = await startForge({ settings: '[ci]\nconcurrency = 2\n' });
  try {
    const ada = await served.person('ada', 'admin');
    const source = await stageHistory(served, ada);
    await pushBranches(ada);
    const ask = asker(served, await served.token('ada', 'admin'));
    const startedAt = performance.now();
    for (let branch = 1; branch <= branches; branch += 1) await land(ask, `topic-${branch}`);
    await untilEmpty(ask);
    const minutes = (performance.now() - startedAt) / 60_000;
    const { landed, left, runs } = countEnds(served);
    const how = `${source}; ${left} left the queue, 2 lanes at once, sandbox as probed, branches' own runs included`;
    return [
      {
        what: `${branches} branches of a real repository, batch ${batch}`,
        value: `${(landed / minutes).toFixed(0)} / min`,
        how,
      },
      {
        what: 'the same, landed by each run of the queue',
        value: `${(landed / runs).toFixed(2)} / run`,
        how: `${landed} landed by ${runs} runs in ${minutes.toFixed(1)} min`,
      },
    ];
  } finally {
    await disposeServed(served);
  }
}

/** The repository with a manifest and a policy on top; answers what it is. */
async function stageHistory(served: ServedForge, ada: GitClient): Promise<string> {
  const isCheckout = (await ada.tryGit('-C', top, 'rev-parse', '--git-dir')).status === 0;
  const folder = isCheckout ? top : join(served.folder, 'made.git');
  if (!isCheckout) await makeRepo({ name: 'made', commits: 1000, files: 400 }, folder);
  await ada.git('-c', 'safe.directory=*', 'fetch', '--quiet', folder, 'HEAD');
  await ada.git('reset', '--quiet', '--hard', 'FETCH_HEAD');
  const commits = await ada.git('rev-list', '--count', 'HEAD');
  await ada.commit('Land through the queue', {
    '.pika/lanes.toml': manifestOf([
      { id: 'unit', command: 'test "$(ls red 2>/dev/null | wc -l)" -lt 2 && git log -1 --format=%s' },
    ]),
    '.pika/policy.toml': `[landing]\nbatch = ${batch}\n`,
  });
  await ada.git('remote', 'add', 'origin', `ssh://git@${served.ssh}/demo/app.git`);
  await ada.git('push', '--quiet', 'origin', 'HEAD:main');
  const what = isCheckout ? 'the history of this project' : 'a made history';
  return `${what}, ${Number(commits).toLocaleString('en')} commits`;
}

/** Each changes a file of its own that is there, as people do. */
async function pushBranches(ada: GitClient): Promise<void> {
  const base = await ada.git('rev-parse', 'HEAD');
  const files = (await ada.git('ls-files', '*.ts')).split('\n');
  for (let branch = 1; branch <= branches; branch += 1) {
    await ada.git('checkout', '--quiet', '-b', `topic-${branch}`, base);
    const path = files[branch % files.length] ?? 'README.md';
    const text = await ada.git('show', `HEAD:${path}`);
    const red = branch % redEvery === 0 ? { [`red/${branch}.txt`]: 'red\n' } : {};
    await ada.commit(`Change ${path}`, { [path]: `${text}\n// Changed by topic ${branch}.\n`, ...red });
  }
  await ada.git('push', '--quiet', 'origin', 'refs/heads/topic-*:refs/heads/topic-*');
}

type AskApi = (path: string, body?: object) => Promise<unknown>;

function asker(served: ServedForge, token: string): AskApi {
  return async (path, body) => {
    const response = await fetch(`${served.http}/api/v1/repos/demo/app${path}`, {
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${path} answers ${response.status}: ${await response.text()}`);
    return response.json();
  };
}

async function land(ask: AskApi, name: string): Promise<void> {
  const { branches: found } = branchListView.parse(await ask(`/branches?name=${name}`));
  const [branch] = found;
  if (branch === undefined) throw new Error(`The forge does not know the branch ${name}.`);
  await ask(`/branches/${branch.number}/land`, { head: branch.head });
}

async function untilEmpty(ask: AskApi): Promise<void> {
  const giveUpAt = Date.now() + patienceMs;
  for (;;) {
    const { targets } = queueView.parse(await ask('/landings'));
    if (targets.every(({ entries, waiting }) => entries.length + waiting.length === 0)) return;
    if (Date.now() > giveUpAt) throw new Error('The landing queue does not come to an end.');
    await pause(500);
  }
}

function countEnds(served: ServedForge): { landed: number; left: number; runs: number } {
  const db = new Database(join(served.data, 'forge.db'), { readonly: true });
  try {
    const count = (sql: string): number => Number(db.prepare<[], { count: number }>(sql).get()?.count);
    return {
      landed: count("SELECT count(*) AS count FROM landings WHERE state = 'landed'"),
      left: count("SELECT count(*) AS count FROM landings WHERE state IN ('evicted', 'cancelled')"),
      runs: count("SELECT count(*) AS count FROM runs WHERE kind = 'landing'"),
    };
  } finally {
    db.close();
  }
}
