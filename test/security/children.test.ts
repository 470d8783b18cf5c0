// Z3: what belongs to one repository is not found under the name of another, and not by its own number either by
// somebody who may not see that repository.
import { beforeAll, expect, test } from 'vitest';
import { makePh } from '../support/ph.ts';
import { manifestOf, pushBranch, pushProject } from '../support/sample-project.ts';
import { useSharedForge } from '../support/serve.ts';

const forge = useSharedForge();
let head: string;
let eve: Record<string, string>;
let ada: Record<string, string>;

beforeAll(async () => {
  const served = await forge();
  const owner = await served.person('ada');
  const other = await served.person('eve');
  const lanes = { '.pika/lanes.toml': manifestOf([{ id: 'unit', command: 'echo secret' }]) };
  await pushProject(served, { client: owner, repo: 'ada/app', files: lanes });
  ({ head } = await pushBranch(owner, { name: 'topic', message: 'Topic', files: { 'b.txt': 'b\n' } }));
  expect((await (await makePh(served, owner))('wait')).status).toBe(0);
  await pushProject(served, { client: other, repo: 'eve/app', files: { 'a.txt': 'a\n' } });
  ada = { authorization: `Bearer ${await served.token('ada')}` };
  eve = { authorization: `Bearer ${await served.token('eve')}` };
}, 60_000);

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
  ['POST', '/runs/1/rerun'],
  ['POST', '/runs/1/cancel'],
];

async function status(method: string, path: string, headers: Record<string, string>): Promise<number> {
  const init: RequestInit = { method, headers, redirect: 'manual' };
  if (method !== 'GET') {
    Object.assign(init, {
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ head }),
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

test('Z3: the live stream tells nobody of what he may not see', async () => {
  for (const topic of ['repo:1', 'branch:1', 'run:1', 'log:1']) {
    expect(await status('GET', `/live?topic=${topic}`, eve), topic).toBe(404);
    expect(await status('GET', `/live?topic=${topic}`, ada), topic).toBe(200);
    expect(await status('GET', `/live?topic=${topic}`, {}), topic).toBe(401);
  }
});
