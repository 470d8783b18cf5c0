// The forge is killed with SIGKILL at bad moments. Afterwards a push or a merge that was answered is there, once,
// and refs and rows agree.
import { existsSync, mkdirSync, readdirSync, readFileSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { GitClient } from '../support/git-client.ts';
import { makePh } from '../support/ph.ts';
import { manifestOf, pushBranch, pushProject } from '../support/sample-project.ts';
import { useServedForge, type ServedForge } from '../support/serve.ts';

const startForge = useServedForge();

/** Short leases, so that a lane whose thread died is taken up again while the test waits. */
const settings = '[ci]\nconcurrency = 2\nleaseSeconds = 3\nheartbeatSeconds = 1\npollSeconds = 1\n';

interface Status {
  branch: { state: string; head: string; mergeCommit: string | null };
  run: { number: number; state: string; lanes: { id: string; state: string; attempt: number }[] } | null;
}

/** A request as ada below the repository's API; with a body it is a POST. */
async function api(served: ServedForge, path: string, body?: object): Promise<Response> {
  const headers = { authorization: `Bearer ${await tokenOf(served)}`, 'content-type': 'application/json' };
  const post = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
  return fetch(`${served.http}/api/v1/repos/demo/app${path}`, { headers, ...post });
}

const tokens = new WeakMap<ServedForge, string>();
async function tokenOf(served: ServedForge): Promise<string> {
  const token = tokens.get(served) ?? (await served.token('ada'));
  tokens.set(served, token);
  return token;
}

const statusOf = async (served: ServedForge, number: number): Promise<Status> =>
  (await (await api(served, `/branches/${number}`)).json()) as Status;

async function expectSound(served: ServedForge): Promise<void> {
  const { stdout } = await served.operate('doctor', '--json');
  const { findings } = JSON.parse(stdout) as { findings: { level: string; what: string }[] };
  expect(findings.filter(({ level }) => level !== 'ok')).toEqual([]);
}

interface BranchList {
  branches: { name: string; number: number; head: string }[];
}

/** Processes whose command line has this text. */
function processesWith(text: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text);
      } catch {
        return false;
      }
    });
}

test(
  'lanes that ran when the forge was killed run again, once, and nothing of the old ones lives',
  { timeout: 120_000 },
  async () => {
    const served = await startForge({ settings });
    const ada = await served.person('ada', 'admin');
    const ph = await makePh(served, ada);
    const marker = `${4 + Math.random()}`;
    const lanes = [
      { id: 'long', command: `echo long-started; sleep ${marker}; echo long-finished` },
      { id: 'other', command: `echo other-started; sleep ${marker}; echo other-finished` },
      { id: 'third', command: 'echo third-finished' },
    ];
    await pushProject(served, {
      client: ada,
      repo: 'demo/app',
      files: { '.pika/lanes.toml': manifestOf(lanes) },
    });
    await pushBranch(ada, { name: 'topic', message: 'Change', files: { 'a.txt': 'a\n' } });
    await expect.poll(() => processesWith(`sleep ${marker}`).length).toBeGreaterThanOrEqual(2);
    await expect.poll(async () => (await ph('logs', '--lane', 'long')).stdout).toContain('long-started');

    await served.kill();
    await served.restart();
    const waited = await ph('wait', '--timeout', '60');
    expect(waited).toMatchObject({ status: 0 });
    const { run } = await statusOf(served, 1);
    expect(run).toMatchObject({ number: 1, state: 'success' });
    expect(run?.lanes.map(({ id, state }) => `${id} ${state}`)).toEqual([
      'long success',
      'other success',
      'third success',
    ]);
    const log = (await ph('logs', '--lane', 'long')).stdout;
    expect(log.match(/long-started/g)).toHaveLength(1);
    expect(log.match(/long-finished/g)).toHaveLength(1);
    expect(processesWith(`sleep ${marker}`)).toEqual([]);
    await expectSound(served);
  },
);

test(
  'a push that was answered is there after the forge was killed, with one branch and one run',
  { timeout: 120_000 },
  async () => {
    const served = await startForge({ settings });
    const ada = await served.person('ada', 'admin');
    await pushProject(served, {
      client: ada,
      repo: 'demo/app',
      files: { '.pika/lanes.toml': manifestOf([{ id: 'unit', command: 'echo fine' }]) },
    });
    const ph = await makePh(served, ada);
    const heads: string[] = [];
    for (const name of ['one', 'two', 'three']) {
      const { head } = await pushBranch(ada, {
        name,
        message: `Add ${name}`,
        files: { [`${name}.txt`]: `${name}\n` },
      });
      heads.push(head);
      await served.kill();
      await served.restart();
    }
    for (const name of ['one', 'two', 'three'])
      expect(await ph('wait', name, '--timeout', '60')).toMatchObject({ status: 0 });
    const json = (await (await api(served, '/branches')).json()) as BranchList;
    expect(json.branches.map(({ name, head }) => `${name} ${head}`).sort()).toEqual(
      ['one', 'two', 'three'].map((name, index) => `${name} ${heads[index]}`).sort(),
    );
    const runs = await Promise.all(json.branches.map(({ number }) => statusOf(served, number)));
    expect(runs.map(({ run }) => run?.number ?? 0).sort((a, b) => a - b)).toEqual([1, 2, 3]);
    await expectSound(served);
  },
);

test(
  'what a killed git left behind keeps nobody from pushing, and housekeeping from nothing, after a restart',
  { timeout: 60_000 },
  async () => {
    const served = await startForge({ settings });
    const ada = await served.person('ada', 'admin');
    await pushProject(served, { client: ada, repo: 'demo/app', files: { 'README.md': '# App\n' } });
    await served.kill();
    const repo = join(served.data, 'repos/1.git');
    mkdirSync(join(repo, 'refs/pika/heads/1'), { recursive: true });
    mkdirSync(join(repo, 'objects/tmp_objdir-incoming-Ab12Cd/pack'), { recursive: true });
    const left = ['refs/heads/topic.lock', 'refs/pika/heads/1/1.lock', 'packed-refs.lock', 'HEAD.lock'];
    for (const lock of left) writeFileSync(join(repo, lock), '');
    await served.restart();
    left.push('objects/tmp_objdir-incoming-Ab12Cd');
    expect(left.filter((path) => existsSync(join(repo, path)))).toEqual([]);
    // A quarantine says that a push is being received.
    expect(await served.operate('housekeeping')).toMatchObject({ status: 0 });
    const { head } = await pushBranch(ada, { name: 'topic', message: 'Change', files: { 'a.txt': 'a\n' } });
    expect((await statusOf(served, 1)).branch).toMatchObject({ state: 'open', head });
    await expectSound(served);
  },
);

const names = ['m1', 'm2', 'm3', 'm4', 'm5', 'm6'];

async function pushGreenBranches(ada: GitClient, served: ServedForge): Promise<string[]> {
  await pushProject(served, {
    client: ada,
    repo: 'demo/app',
    files: { '.pika/lanes.toml': manifestOf([{ id: 'unit', command: 'true' }]) },
  });
  const ph = await makePh(served, ada);
  const heads: string[] = [];
  for (const name of names) {
    heads.push(
      (await pushBranch(ada, { name, message: `Add ${name}`, files: { [`${name}.txt`]: `${name}\n` } })).head,
    );
  }
  for (const name of names) expect(await ph('wait', name)).toMatchObject({ status: 0 });
  return heads;
}

/** Kills the forge at the moment a file of that name appears or changes among the branches of the repository. */
async function killWhenTouched(served: ServedForge, name: string): Promise<void> {
  const touched = Promise.withResolvers<void>();
  const watcher = watch(join(served.data, 'repos/1.git/refs/heads'), (_event, file) => {
    if (file !== name) return;
    // At once, in the very callback: the steps that follow are a few milliseconds long.
    process.kill(served.pid, 'SIGKILL');
    watcher.close();
    touched.resolve();
  });
  await touched.promise;
  await served.kill();
}

test.each([
  ['its target is locked', 'main.lock'],
  ['its target has moved', 'main'],
  ['its branch is gone', 'm2'],
])(
  'a merge is whole or absent when the forge is killed as %s',
  { timeout: 120_000 },
  async (_moment, file) => {
    const served = await startForge({ settings });
    const ada = await served.person('ada', 'admin');
    const heads = await pushGreenBranches(ada, served);
    const merge = (index: number) => api(served, `/branches/${index + 1}/merge`, { head: heads[index] });
    expect((await merge(0)).status).toBe(200);
    const killed = killWhenTouched(served, file);
    const cut = merge(1).then(
      ({ status }) => status,
      () => undefined,
    );
    await killed;
    const answer = await cut;
    await served.restart();

    const { branch } = await statusOf(served, 2);
    const refs = await ada.git('ls-remote', 'origin');
    await ada.git('fetch', '--quiet', 'origin', 'main');
    const landed = (await ada.git('rev-list', 'FETCH_HEAD')).split('\n').includes(heads[1] ?? '');
    if (answer === 200) expect(landed).toBe(true);
    expect(branch.state).toBe(landed ? 'merged' : 'open');
    expect(branch.mergeCommit !== null).toBe(landed);
    expect(refs.includes('refs/heads/m2\n')).toBe(!landed);
    await expectSound(served);

    for (const [index] of names.entries()) {
      if ((await statusOf(served, index + 1)).branch.state === 'open')
        expect((await merge(index)).status).toBe(200);
    }
    await ada.git('fetch', '--quiet', 'origin', 'main');
    expect((await ada.git('rev-list', '--merges', 'FETCH_HEAD')).split('\n')).toHaveLength(names.length);
    await expectSound(served);
  },
);
