// Branches that cannot be read: isolated, shown with their reason on every page they are on, and well again by themselves.
import { once } from 'node:events';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createToken } from '../../src/accounts/create-token.ts';
import { identify } from '../../src/accounts/guard.ts';
import { findOpenBranch, getRevision, listOpenBranches } from '../../src/branches/find.ts';
import { scanRepo } from '../../src/branches/scan.ts';
import { createMissingRuns } from '../../src/ci/scheduler/create-run.ts';
import { listRuns } from '../../src/ci/find.ts';
import { frontPages } from '../../src/front/pages.ts';
import { closeReaders } from '../../src/git/object-reader.ts';
import { listRefs, resolveBranch } from '../../src/git/refs.ts';
import { Slots } from '../../src/lib/slot.ts';
import { createApp } from '../../src/web/app.ts';
import { answerErrors } from '../../src/web/errors.ts';
import { closeBranch, reopenBranch } from '../../src/landing/close.ts';
import { findRepo } from '../../src/repos/find.ts';
import { useForge } from '../support/forge.ts';
import { serveGit } from '../support/git-server.ts';
import { pushFiles } from '../support/push-files.ts';

const open = useForge();
const gone = 'd'.repeat(40);
const missing = (oid: string): string => `its commit ${oid.slice(0, 12)} is missing from the repository`;

async function stage() {
  const it = await open();
  const { forge } = it;
  const { account } = it.account('ada');
  const repo = await it.repo('ada/app', { files: { a: '1\n' } });
  const path = it.repoFolder(repo);
  const main = (await resolveBranch(forge.git, path, 'main'))!;
  const push = (branch: string, content = '1\n') =>
    pushFiles(forge.git, { repo: path, branch, from: main, files: { [branch]: content } });
  const scan = () => scanRepo(forge, repo);
  const row = (name: string) => findOpenBranch(forge, repo.id, name);
  /** Takes an object out of the repository; the answer puts it back. */
  const lose = (oid: string): (() => void) => {
    const file = join(path, 'objects', oid.slice(0, 2), oid.slice(2));
    renameSync(file, `${path}/aside`);
    closeReaders(forge.git);
    return () => {
      renameSync(`${path}/aside`, file);
      closeReaders(forge.git);
    };
  };
  const setRef = (name: string, text: string) => writeFileSync(join(path, 'refs/heads', name), text);
  return { it, forge, account, repo, path, main, push, scan, row, lose, setRef };
}

async function servePages({ it, forge, account }: Awaited<ReturnType<typeof stage>>) {
  const app = createApp({ trustedProxies: [], maxRequestBytes: 1000 });
  app.use(
    identify(forge, () => true),
    frontPages(forge, new Slots()),
    answerErrors(forge.log),
  );
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  it.defer(() => void server.close());
  it.defer(() => void server.closeAllConnections());
  const { port } = server.address() as AddressInfo;
  const token = createToken(forge, { accountId: account.id, scope: 'write' });
  return async (page: string) => {
    const headers = { accept: 'text/html', authorization: `Bearer ${token}` };
    const response = await fetch(`http://127.0.0.1:${port}${page}`, { headers });
    return { status: response.status, html: await response.text() };
  };
}

test('a new branch whose commit is missing is shown on every page with its reason, and holds nobody up', async () => {
  const staged = await stage();
  const { forge, repo, push, scan, row, setRef } = staged;
  setRef('bad', `${gone}\n`);
  const good = await push('good');
  const told = forge.events.next('branch-broken');
  await scan();
  const bad = row('bad')!;
  expect(await told).toEqual({ repoId: repo.id, branchId: bad.id, reason: bad.brokenReason });
  expect(bad).toMatchObject({ headOid: gone, title: 'bad', revision: 1 });
  expect(bad.brokenReason).toBe(missing(gone));
  expect(row('good')).toMatchObject({ headOid: good, brokenReason: undefined });

  const page = await servePages(staged);
  const tabs = ['tutorial', 'changes', 'commits', 'ci'].map(
    (tab) => `/ada/app/branches/${bad.number}?tab=${tab}`,
  );
  for (const address of ['/', '/ada/app', ...tabs]) {
    const { status, html } = await page(address);
    expect(status, address).toBe(200);
    expect(html, address).toContain(missing(gone));
    // One reason, and not all that follows from it.
    expect(html, address).not.toMatch(/is gone from the repository|no commit in common/);
  }
});

test('a broken branch gets no run, and is whole with the scan after its commit is back', async () => {
  const { forge, repo, path, main, push, scan, row, lose } = await stage();
  const head = await push('topic');
  const putBack = lose(head);
  await scan();
  expect(row('topic')?.brokenReason).toContain('is missing from the repository');
  await createMissingRuns(forge);
  const { id, number } = row('topic')!;
  expect(listRuns(forge, { branchId: id })).toEqual([]);

  putBack();
  const pushed = forge.events.next('branch-pushed');
  await scan();
  expect(await pushed).toEqual({ repoId: repo.id, branchId: id, revision: 1 });
  expect(row('topic')).toMatchObject({ title: 'Change topic', brokenReason: undefined, revision: 1, number });
  expect(getRevision(forge, id, 1)).toMatchObject({ baseOid: main, targetOid: main });
  const pins = await listRefs(forge.git, path, ['refs/pika/heads/']);
  expect(pins.get(`refs/pika/heads/${number}/1`)).toBe(head);
  await createMissingRuns(forge);
  expect(listRuns(forge, { branchId: id })).toHaveLength(1);
});

test('a branch that loses its commit later is marked once, and recovers', async () => {
  const { forge, push, scan, row, lose } = await stage();
  const head = await push('topic');
  await scan();
  const putBack = lose(head);
  let told = 0;
  forge.events.on('branch-broken', () => (told += 1));
  await scan();
  await scan();
  expect(row('topic')).toMatchObject({
    revision: 1,
    brokenReason: missing(head),
  });
  expect(told).toBe(1);
  putBack();
  await scan();
  expect(row('topic')).toMatchObject({ revision: 1, brokenReason: undefined });
});

test('a branch that moved to a commit which is missing keeps its last readable revision until it is mended', async () => {
  const { push, scan, row, setRef } = await stage();
  const head = await push('topic');
  await scan();
  setRef('topic', `${gone}\n`);
  await scan();
  expect(row('topic')).toMatchObject({ headOid: head, revision: 1, brokenReason: expect.any(String) });
  setRef('topic', `${head}\n`);
  await scan();
  expect(row('topic')).toMatchObject({ headOid: head, revision: 1, brokenReason: undefined });
});

test('a ref that git cannot read is not taken for a deleted one', async () => {
  const { forge, repo, push, scan, row, setRef, path } = await stage();
  const head = await push('topic');
  await push('other');
  await scan();
  setRef('topic', 'half a ref');
  setRef('stray', '');
  await scan();
  expect(row('topic')).toMatchObject({
    brokenReason: 'git cannot read its ref refs/heads/topic',
    headOid: head,
  });
  await scan();
  expect(row('other')).toMatchObject({ brokenReason: undefined });
  setRef('topic', `${head}\n`);
  await scan();
  expect(row('topic')).toMatchObject({ brokenReason: undefined, revision: 1 });
  rmSync(join(path, 'refs/heads/topic'));
  await scan();
  expect(listOpenBranches(forge, { repoId: repo.id }).map(({ name }) => name)).toEqual(['stray', 'other']);
});

test('one unreadable history among many does not keep the others from landing', async () => {
  const { forge, path, main, push, scan, row, lose } = await stage();
  const names = ['a', 'b', 'c', 'd', 'e'];
  for (const name of names) await push(name);
  await push('hollow');
  const hollow = await pushFiles(forge.git, { repo: path, branch: 'hollow', files: { hollow: '2\n' } });
  await scan();
  // Its head can be read, and the commit below it cannot.
  const [parent = ''] = (await forge.git.text(['rev-list', '--parents', '-1', hollow], { repo: path }))
    .split(' ')
    .slice(1);
  const landed = row('c')!.headOid;
  await pushFiles(forge.git, {
    repo: path,
    branch: 'main',
    from: main,
    merges: [landed],
    files: { c: '1\n' },
  });
  const putBack = lose(parent);
  await scan();
  expect(row('c')).toBeUndefined();
  expect(row('hollow')?.brokenReason).toMatch(/^git cannot read it: /);
  expect(row('hollow')?.brokenReason).not.toContain(path);
  for (const name of ['a', 'b', 'd', 'e']) expect(row(name)).toMatchObject({ brokenReason: undefined });
  putBack();
  await scan();
  expect(row('hollow')).toMatchObject({ brokenReason: undefined });
});

test('a broken branch keeps nobody from pushing and cloning, and pushing it again mends it', async () => {
  const it = await open();
  const server = await serveGit(it);
  const ada = await server.person('ada');
  const url = server.sshUrl('ada/app');
  await ada.commit('Start', { a: '1\n' });
  await ada.git('push', url, 'main');
  await ada.commit('More', { a: '2\n' });
  await ada.git('push', url, 'HEAD:refs/heads/junk', 'HEAD:refs/heads/moved');
  const lostHead = await ada.commit('Lost', { a: '3\n' });
  await ada.git('push', url, 'HEAD:refs/heads/lost');
  const repo = findRepo(it.forge, 'ada', 'app')!;
  const path = it.repoFolder(repo);
  writeFileSync(join(path, 'refs/heads/junk'), 'half');
  writeFileSync(join(path, 'refs/heads/moved'), `${gone}\n`);
  rmSync(join(path, 'objects', lostHead.slice(0, 2), lostHead.slice(2)));
  await ada.commit('Again', { a: '4\n' });
  expect((await ada.tryGit('push', url, 'HEAD:refs/heads/next')).status).not.toBe(0);

  await scanRepo(it.forge, repo);
  const reasons = () =>
    Object.fromEntries(
      listOpenBranches(it.forge, { repoId: repo.id }).map(({ name, brokenReason }) => [name, brokenReason]),
    );
  expect(reasons()).toEqual({
    junk: 'git cannot read its ref refs/heads/junk',
    moved: missing(gone),
    lost: missing(lostHead),
  });
  // Whatever walks over all refs, as repacking does, meets nothing that is missing.
  await it.forge.git.run(['rev-list', '--all', '--count'], { repo: path });
  await ada.git('push', url, 'HEAD:refs/heads/next');
  await ada.git('clone', '--quiet', url, 'copy');
  await scanRepo(it.forge, repo);
  expect(Object.keys(reasons()).toSorted()).toEqual(['junk', 'lost', 'moved', 'next']);

  await ada.git(
    'push',
    '--force',
    url,
    'HEAD:refs/heads/junk',
    'HEAD:refs/heads/moved',
    'HEAD:refs/heads/lost',
  );
  await scanRepo(it.forge, repo, { pins: true });
  expect(reasons()).toEqual({ junk: undefined, moved: undefined, lost: undefined, next: undefined });
  // The client had the lost commit, so with the push it is here again, and its revision is pinned again.
  const pins = await listRefs(it.forge.git, path, ['refs/pika/heads/']);
  expect([...pins.values()]).toContain(lostHead);
  expect((await ada.tryGit('clone', '--quiet', url, 'again')).status).toBe(0);
});

test('a broken branch can be closed and is then forgotten; without its commit it does not come back', async () => {
  const { forge, repo, account, push, scan, row, lose } = await stage();
  const head = await push('topic');
  const putBack = lose(head);
  await scan();
  const caller = { account, scope: 'admin', credential: 'console', address: '' } as const;
  const order = { repo, branch: row('topic')!, caller, slots: new Slots() };
  await closeBranch(forge, order);
  await scan();
  expect(row('topic')).toBeUndefined();
  await expect(reopenBranch(forge, order)).rejects.toMatchObject({ code: 'not_found' });
  putBack();
  await scan();
  expect(row('topic')).toBeUndefined();
  await reopenBranch(forge, order);
  expect(row('topic')).toMatchObject({ number: order.branch.number, headOid: head });
});

test('a branch set aside whose name became a folder stays aside, and the scan goes on', async () => {
  const { push, scan, row, lose } = await stage();
  const putBack = lose(await push('topic'));
  await scan();
  await push('topic/part');
  putBack();
  const other = await push('other');
  await scan();
  expect(row('topic')?.brokenReason).toContain('is missing');
  expect(row('topic/part')).toMatchObject({ brokenReason: undefined });
  expect(row('other')).toMatchObject({ headOid: other });
});

test('files that git does not take for refs are not taken for branches', async () => {
  const { forge, repo, push, scan, setRef } = await stage();
  await push('topic');
  setRef('.swap', 'junk');
  setRef('topic.lock', '');
  await scan();
  expect(listOpenBranches(forge, { repoId: repo.id }).map(({ name }) => name)).toEqual(['topic']);
});
