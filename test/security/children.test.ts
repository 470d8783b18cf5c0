// Z3: what belongs to one repository is not found under the name of another, and not by its own number either by
// somebody who may not see that repository.
import { beforeAll, expect, test, vi } from 'vitest';
import { objectOf } from '../lfs/serve-lfs.ts';
import { makePh } from '../support/ph.ts';
import { manifestOf, pushBranch, pushProject } from '../support/sample-project.ts';
import { useSharedForge } from '../support/serve.ts';

// Each test asks dozens of addresses, on a machine that runs all the others too.
vi.setConfig({ testTimeout: 120_000 });

const forge = useSharedForge();
let head: string;
let eve: Record<string, string>;
let ada: Record<string, string>;
let lock: string;
const large = Buffer.from('what only ada was ever given');
const object = objectOf(large);

beforeAll(async () => {
  const served = await forge();
  const owner = await served.person('ada');
  const other = await served.person('eve');
  const lanes = { '.pika/lanes.toml': manifestOf([{ id: 'unit', command: 'echo secret' }]) };
  await pushProject(served, { client: owner, repo: 'ada/app', files: lanes });
  ({ head } = await pushBranch(owner, { name: 'topic', message: 'Topic', files: { 'b.txt': 'b\n' } }));
  expect((await (await makePh(served, owner))('wait')).status).toBe(0);
  await pushProject(served, { client: other, repo: 'eve/app', files: { 'a.txt': 'a\n' } });
  ada = { authorization: `Bearer ${await served.token('ada', 'admin')}` };
  eve = { authorization: `Bearer ${await served.token('eve', 'admin')}` };
  const lfs = `${served.http}/ada/app.git/info/lfs`;
  await fetch(`${lfs}/objects/${object.oid}?size=${object.size}`, {
    method: 'PUT',
    headers: { ...ada, 'content-type': 'application/octet-stream' },
    body: large,
  });
  const locked = await fetch(`${lfs}/locks`, {
    method: 'POST',
    headers: { ...ada, 'content-type': 'application/vnd.git-lfs+json' },
    body: JSON.stringify({ path: 'large.bin' }),
  });
  lock = ((await locked.json()) as { lock: { id: string } }).lock.id;
}, 300_000);

/** Every address below a repository that names a thing of it: method, path. */
const addresses = (): [string, string][] => [
  ['GET', '/branches/1'],
  ['GET', '/branches/1?tab=changes'],
  ['POST', '/branches/1/merge'],
  ['POST', '/branches/1/close'],
  ['POST', '/branches/1/reopen'],
  ['GET', '/runs/1'],
  ['GET', '/runs/1/lanes/unit'],
  ['POST', '/runs/1/rerun'],
  ['POST', '/runs/1/cancel'],
];
const apiAddresses = (): [string, string][] => [
  ['GET', '/branches/1'],
  ['GET', `/branches/1/wait?commit=${head}&timeout=1`],
  ['POST', '/branches/1/merge'],
  ['POST', '/branches/1/close'],
  ['POST', '/branches/1/reopen'],
  ['GET', '/runs/1'],
  ['GET', '/runs/1/lanes/unit/log?attempt=1'],
  ['GET', `/commits/${head}/statuses`],
  ['POST', `/commits/${head}/statuses`],
  ['POST', '/runs/1/rerun'],
  ['POST', '/runs/1/cancel'],
];

/** What there is to read of a commit, a branch or a file, as page and over the API. */
const readings = (): string[] => [
  `/tree/${head}`,
  '/tree/topic',
  `/blob/${head}/b.txt`,
  `/raw/${head}/b.txt`,
  `/commits/${head}`,
  `/commit/${head}`,
  `/commit/${head}/refs`,
  `/blame/${head}/b.txt`,
  `/compare/${head}...${head}`,
  `/archive/${head}.zip`,
  '/archive/topic.tar.gz',
  `/search/${head}?q=b`,
];

/** Addresses that name no thing, but tell or change something of the repository all the same. */
const settings: [string, string][] = [
  ['GET', '/refs'],
  ['GET', '/lfs'],
  ['GET', '/settings'],
  ['POST', '/settings'],
  ['POST', '/settings/name'],
  ['POST', '/settings/protected'],
  ['POST', '/settings/protected/look'],
  ['POST', '/settings/protected/remove'],
  ['GET', '/settings/secrets'],
  ['POST', '/settings/secrets'],
  ['POST', '/settings/secrets/remove'],
];
const apiSettings: [string, string][] = [
  ['GET', ''],
  ['PATCH', ''],
  ['GET', '/refs'],
  ['GET', '/protected'],
  ['POST', '/protected'],
  ['PUT', '/protected'],
  ['DELETE', '/protected/main'],
  ['GET', '/secrets'],
  ['PUT', '/secrets/TOKEN'],
  ['DELETE', '/secrets/TOKEN'],
];

async function status(method: string, path: string, headers: Record<string, string>): Promise<number> {
  const init: RequestInit = { method, headers, redirect: 'manual' };
  if (method !== 'GET') {
    Object.assign(init, {
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ head, pattern: 'topic' }),
    });
  }
  const answer = await fetch(`${(await forge()).http}${path}`, init);
  await answer.body?.cancel();
  return answer.status;
}

test('Z3: a number of one repository is not found under the name of another', async () => {
  for (const [method, path] of addresses()) {
    expect(await status(method, `/eve/app${path}`, eve), `${method} ${path}`).toBe(404);
  }
  for (const [method, path] of apiAddresses()) {
    expect(await status(method, `/api/v1/repos/eve/app${path}`, eve), `${method} ${path}`).toBe(404);
  }
});

test('Z3: what is in a private repository does not exist for others, and is found by those who may', async () => {
  for (const [method, path] of addresses()) {
    expect(await status(method, `/ada/app${path}`, eve), `${method} ${path}`).toBe(404);
    if (method === 'GET') expect(await status(method, `/ada/app${path}`, ada), path).toBe(200);
  }
  for (const [method, path] of apiAddresses()) {
    expect(await status(method, `/api/v1/repos/ada/app${path}`, eve), `${method} ${path}`).toBe(404);
    if (method === 'GET') expect(await status(method, `/api/v1/repos/ada/app${path}`, ada), path).toBe(200);
  }
});

test('Z3: no commit, branch or file of one repository is read under the name of another, or of a private one', async () => {
  for (const path of readings()) {
    for (const prefix of ['', '/api/v1/repos']) {
      expect(await status('GET', `${prefix}/ada/app${path}`, ada), `${prefix} ${path}`).toBe(200);
      expect(await status('GET', `${prefix}/ada/app${path}`, eve), `${prefix} ${path}`).toBe(404);
      expect(await status('GET', `${prefix}/eve/app${path}`, eve), `${prefix} ${path}`).toBe(404);
      expect(await status('GET', `${prefix}/ada/app${path}`, {}), `${prefix} ${path}`).toBe(401);
    }
  }
});

test('Z3: nobody reads or changes the settings of a repository that does not exist for him', async () => {
  for (const [prefix, list] of [
    ['', settings],
    ['/api/v1/repos', apiSettings],
  ] as const) {
    for (const [method, path] of list) {
      expect(await status(method, `${prefix}/ada/app${path}`, eve), `${method} ${prefix}${path}`).toBe(404);
      expect(await status(method, `${prefix}/ada/app${path}`, {}), `${method} ${prefix}${path}`).toBe(401);
    }
  }
});

test('Z3: an object or a lock of Git LFS is not found under the name of another repository', async () => {
  const objects = [
    ['GET', `.git/info/lfs/objects/${object.oid}`],
    ['POST', `.git/info/lfs/locks/${lock}/unlock`],
    ['POST', `/lfs/locks/${lock}/unlock`],
  ] as const;
  for (const [method, path] of objects) {
    expect(await status(method, `/eve/app${path}`, eve), path).toBe(404);
    expect(await status(method, `/ada/app${path}`, eve), path).toBe(404);
    expect(await status(method, `/ada/app${path}`, {}), path).toBe(401);
  }
  expect(await status('GET', `/eve/app.git/info/lfs/locks`, eve)).toBe(200);
  expect(await status('GET', `/ada/app.git/info/lfs/locks`, eve)).toBe(404);
  const held = await fetch(`${(await forge()).http}/ada/app.git/info/lfs/locks?id=${lock}`, { headers: ada });
  expect(((await held.json()) as { locks: unknown[] }).locks).toHaveLength(1);
  expect(await status('GET', `/ada/app.git/info/lfs/objects/${object.oid}`, ada)).toBe(200);
});

test('Z3: the live stream tells nobody of what he may not see', async () => {
  for (const topic of ['repo:1', 'branch:1', 'run:1', 'log:1']) {
    expect(await status('GET', `/live?topic=${topic}`, eve), topic).toBe(404);
    expect(await status('GET', `/live?topic=${topic}`, ada), topic).toBe(200);
    expect(await status('GET', `/live?topic=${topic}`, {}), topic).toBe(401);
  }
});
