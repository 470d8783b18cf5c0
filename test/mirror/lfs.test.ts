// The objects of Git LFS go where the commits go that name them, and come from where those come from.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { SettableClock } from '../../src/lib/clock.ts';
import { Slots } from '../../src/lib/slot.ts';
import { hasLfsObject } from '../../src/lfs/find.ts';
import { sweepLfs } from '../../src/lfs/sweep.ts';
import { upstreamRequest } from '../../src/mirror/pull/model.ts';
import { openPulls } from '../../src/mirror/pull/open-pulls.ts';
import { listPullRows } from '../../src/mirror/pull/pull-store.ts';
import { askPull, cancelPull, getUpstream, setUpstream } from '../../src/mirror/pull/set-upstream.ts';
import { resolveRef } from '../../src/git/refs.ts';
import { startBackend } from '../support/foreign-http.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';
import { keep, oidOf, pointerTo, startLfsRemote } from './lfs-remote.ts';
import { mirrorSettings, stageMirror } from './stage-mirror.ts';

const open = useForge();
const token = 'lfs-token-0123456789';
const art = 'a large picture';
const song = 'a long song';
/** The batch, the object and the question whether it has arrived. */
const verbs = ['POST', 'PUT', 'POST'];

async function stage() {
  const clock = new SettableClock();
  const it = await open({ clock, settings: mirrorSettings });
  await sweepLfs(it.forge);
  const remote = await startLfsRemote();
  it.defer(() => remote.stop());
  return { it, clock, remote, url: await remote.repo('app.git') };
}

describe('a mirror', () => {
  async function stagePush() {
    const staged = await stage();
    const mirror = await stageMirror(staged.it, staged.clock);
    const { forge, folder, syncs } = mirror;
    return {
      ...staged,
      ...mirror,
      credential: { kind: 'token' as const, token, user: 'git' },
      commit: (files: Record<string, string>) =>
        pushFiles(forge.git, { repo: folder, branch: 'main', files }),
      there: () => resolveRef(forge.git, join(staged.remote.folder, 'app.git'), 'refs/heads/main'),
      /** The newest sync. */
      newest: (name = 'there') => syncs(name)[0],
    };
  }

  test('has the objects before the refs, and is asked for those of new commits alone', async () => {
    const { forge, repo, remote, url, credential, commit, add, tell, there, newest, ...staged } =
      await stagePush();
    const { mirrors, mirror, account } = staged;
    await keep(forge, repo, art);
    const pushed = () => remote.asked.filter(({ line }) => line.startsWith('POST /app.git/git-receive-pack'));
    let isFirst: boolean | undefined;
    remote.will.instead = ({ method }) => {
      if (method === 'PUT') isFirst ??= pushed().length === 0;
      return false;
    };
    await commit({ 'art.bin': pointerTo(art) });
    add('there', url, { credential });
    await tell();
    expect(isFirst).toBe(true);
    expect(remote.objects.get(oidOf(art))?.toString()).toBe(art);
    expect(newest()).toMatchObject({ state: 'done', message: '1 LFS object sent.' });
    await keep(forge, repo, song);
    const second = await commit({ 'song.bin': pointerTo(song) });
    await tell();
    expect(await there()).toBe(second);
    await commit({ 'a.txt': 'no pointer\n' });
    await tell();
    expect(newest()).toMatchObject({ state: 'done', pushed: 1, message: undefined });
    expect(remote.batches).toEqual([[oidOf(art)], [oidOf(song)]]);
    // One for each of the two syncs, whatever it asks.
    expect(remote.connections()).toBe(2);
    const moves = remote.asked.filter(({ line }) => line.includes('/objects/'));
    const basic = `Basic ${Buffer.from(`git:${token}`).toString('base64')}`;
    expect(new Set(moves.map(({ authorization }) => authorization))).toEqual(new Set([basic]));
    expect(moves.map(({ line }) => line.split(' ')[0])).toEqual([...verbs, ...verbs]);
    // What a remote has lost although nothing failed is found by whoever syncs by hand.
    remote.objects.delete(oidOf(art));
    mirrors.syncNow(mirror('there'), account.id);
    await mirrors.settled();
    expect(remote.objects.has(oidOf(art))).toBe(true);
    expect(newest()).toMatchObject({ state: 'done', pushed: 0, message: '1 LFS object sent.' });
  });

  test('is told of what the forge itself lacks, and gets it when somebody syncs by hand', async () => {
    const { forge, repo, remote, url, account, commit, add, tell, there, newest, mirrors, mirror } =
      await stagePush();
    const tip = await commit({ 'art.bin': pointerTo(art) });
    add('there', url);
    await tell();
    expect(await there()).toBe(tip);
    const message = `1 LFS object not sent: ${oidOf(art).slice(0, 12)} (it is not here either).`;
    expect(newest()).toMatchObject({ state: 'done', pushed: 1 });
    expect(newest()?.message).toBe(`${message} Sync by hand when somebody has sent it here.`);
    await keep(forge, repo, art);
    // It gives the connection up that the forge has kept since the batch.
    remote.will.instead = ({ socket }) => {
      delete remote.will.instead;
      socket.destroy();
      return true;
    };
    mirrors.syncNow(mirror('there'), account.id);
    await mirrors.settled();
    expect(remote.objects.has(oidOf(art))).toBe(true);
    expect(newest()).toMatchObject({ state: 'done', message: '1 LFS object sent.' });
  });

  test('that refuses an object gets the refs, and is offered it again in a while', async () => {
    const { forge, repo, clock, remote, url, commit, add, tell, there, newest, mirrors, mirror } =
      await stagePush();
    await keep(forge, repo, art);
    remote.will.instead = (request, response) => {
      request.resume();
      response.writeHead(507).end('{"message":"no room"}');
      return true;
    };
    const tip = await commit({ 'art.bin': pointerTo(art) });
    add('there', url);
    await tell();
    expect(await there()).toBe(tip);
    const message = `1 LFS object not sent: ${oidOf(art).slice(0, 12)} (the answer was 507: no room).`;
    expect(newest()).toMatchObject({ state: 'partial', pushed: 1, message });
    delete remote.will.instead;
    clock.advance(31 * 60_000);
    mirrors.look();
    await mirrors.settled();
    expect(remote.objects.has(oidOf(art))).toBe(true);
    expect(newest()).toMatchObject({ state: 'done', pushed: 0 });
    expect(mirror('there').problem).toBeUndefined();
  });

  test('that refuses a branch is not asked for all large files again at each sync', async () => {
    const { forge, repo, remote, url, commit, add, tell, there, newest, push } = await stagePush();
    await keep(forge, repo, art);
    const main = await commit({ 'art.bin': pointerTo(art) });
    await push('bad', '1', main);
    add('there', url);
    const hook = join(remote.folder, 'app.git/hooks/update');
    writeFileSync(hook, '#!/bin/sh\ncase "$1" in */bad) exit 1;; esac\n', { mode: 0o755 });
    await tell();
    expect(newest()).toMatchObject({ state: 'partial', refused: 1 });
    const newer = await commit({ 'a.txt': 'no pointer\n' });
    await tell();
    expect(await there()).toBe(newer);
    expect(newest()).toMatchObject({ state: 'partial', pushed: 1, refused: 1 });
    expect(remote.batches).toEqual([[oidOf(art)]]);
  });

  test('without Git LFS gets the refs all the same, and its words are told without what it was shown', async () => {
    const { it, remote, url, credential, commit, add, tell, newest } = await stagePush();
    const plain = await startBackend();
    it.defer(() => plain.stop());
    const basic = Buffer.from(`git:${token}`).toString('base64');
    remote.will.refuses = { status: 403, message: `Not with ${token}\nor ${basic}` };
    await commit({ 'art.bin': pointerTo(art) });
    add('plain', await plain.repo('app.git'));
    add('closed', url, { credential });
    await tell();
    const none = 'The remote takes no LFS objects, so 1 LFS object may be missing there: the answer was';
    expect(newest('plain')).toMatchObject({ state: 'done', pushed: 1, message: `${none} 404.` });
    const without = `${none} 403: Not with [redacted] or [redacted].`;
    expect(newest('closed')).toMatchObject({ state: 'done', pushed: 1, message: without });
  });

  test('whose server of large files hangs keeps its refs as they are, until it answers', async () => {
    const { forge, repo, clock, remote, url, commit, add, tell, there, newest } = await stagePush();
    forge.config.mirror.stallSeconds = 1;
    await keep(forge, repo, art);
    remote.will.instead = () => true;
    const tip = await commit({ 'art.bin': pointerTo(art) });
    add('there', url);
    await tell();
    expect(await there()).toBeUndefined();
    expect(newest()?.message).toContain('it sent nothing for 1 seconds');
    Object.assign(forge.config.mirror, { stallSeconds: 60, lfsMinutes: 0.005 });
    clock.advance(60_000);
    await tell();
    expect(await there()).toBeUndefined();
    expect(newest()).toMatchObject({ state: 'failed' });
    expect(newest()?.message).toContain('took longer than 0.005 minutes');
    forge.config.mirror.lfsMinutes = 10;
    delete remote.will.instead;
    clock.advance(60_000);
    await tell();
    expect(await there()).toBe(tip);
    expect(remote.objects.has(oidOf(art))).toBe(true);
  });
});

describe('an upstream', () => {
  async function stagePull() {
    const staged = await stage();
    const { forge } = staged.it;
    const { caller } = staged.it.account('ada');
    const repo = await staged.it.repo('ada/copy');
    const pulls = openPulls(forge, new Slots());
    pulls.start();
    staged.it.defer(() => pulls.stop());
    const at = { repo, caller };
    return {
      ...staged,
      forge,
      at,
      pulls,
      commit: (files: Record<string, string>) =>
        pushFiles(forge.git, { repo: join(staged.remote.folder, 'app.git'), branch: 'main', files }),
      has: (content: string) => hasLfsObject(forge, { repoId: repo.id, oid: oidOf(content) }),
      here: () => resolveRef(forge.git, staged.it.repoFolder(repo), 'refs/heads/main'),
      newest: () => listPullRows(forge.db, { repoId: repo.id, limit: 1 })[0],
      follow: async () => {
        const credential = { kind: 'token', token };
        const request = upstreamRequest.parse({ url: staged.url, credential });
        setUpstream(forge, pulls, { ...at, request });
        await pulls.settled();
      },
      pull: async () => {
        askPull(forge, pulls, at);
        await pulls.settled();
      },
    };
  }

  test('brings the objects before the refs, checked, and those that come later too', async () => {
    const { remote, commit, follow, pull, has, here, newest } = await stagePull();
    let shown: string | undefined = 'nobody asked';
    remote.objects.set(oidOf(art), Buffer.from(art));
    remote.will.instead = (_request, response) => {
      void here().then((tip) => {
        shown = tip;
        response.end(art);
      });
      return true;
    };
    const first = await commit({ 'art.bin': pointerTo(art) });
    await follow();
    expect([shown, await here(), has(art)]).toEqual([undefined, first, true]);
    expect(newest()).toMatchObject({ state: 'done', created: 1, message: '1 LFS object brought.' });
    delete remote.will.instead;
    const lost = 'nobody has it';
    const wrong = 'and this one is wrong';
    remote.objects.set(oidOf(song), Buffer.from(song));
    remote.objects.set(oidOf(wrong), Buffer.from(wrong.toUpperCase()));
    const files = { song, lost, wrong };
    const second = await commit(
      Object.fromEntries(Object.entries(files).map(([name, text]) => [name, pointerTo(text)])),
    );
    await pull();
    expect(await here()).toBe(second);
    expect([has(song), has(lost), has(wrong)]).toEqual([true, false, false]);
    expect(newest()).toMatchObject({ state: 'partial', moved: 1 });
    expect(newest()?.message).toMatch(/^1 LFS object brought\. 2 LFS objects missing here: /);
    expect(newest()?.message).toContain(`${oidOf(lost).slice(0, 12)} (the answer was 404: nobody sent it)`);
    expect(newest()?.message).toMatch(/have the SHA-256 [0-9a-f]{64}/);
    // What was missing is looked for again, though no ref moves.
    for (const content of [lost, wrong]) remote.objects.set(oidOf(content), Buffer.from(content));
    await pull();
    expect([has(lost), has(wrong)]).toEqual([true, true]);
    expect(newest()).toMatchObject({ state: 'done', moved: 0, message: '2 LFS objects brought.' });
    expect(remote.batches.map((batch) => batch.length)).toEqual([1, 3, 2]);
  });

  test('that differs in a branch is not looked through as a whole at each pull', async () => {
    const { it, forge, at, clock, pulls, commit, follow, pull } = await stagePull();
    await commit({ 'a.txt': 'a\n' });
    await follow();
    for (const text of ['here\n', 'there\n']) {
      const files = { 'b.txt': text };
      if (text === 'there\n') await commit(files);
      else await pushFiles(forge.git, { repo: it.repoFolder(at.repo), branch: 'main', files });
    }
    await pull();
    expect(getUpstream(forge, at.repo)).toMatchObject({ problem: expect.stringContaining('One ref') });
    const before = getUpstream(forge, at.repo).pulledAt;
    const started = vi.spyOn(forge.git, 'spawn');
    clock.advance(11 * 60_000);
    pulls.wake();
    await pulls.settled();
    expect(getUpstream(forge, at.repo).pulledAt).not.toBe(before);
    const looks = started.mock.calls.filter(([args]) => args.includes('--filter=object:type=blob'));
    started.mockRestore();
    expect(looks).toEqual([]);
  });

  test('F1: sends nobody to an address that is not public, and shows its credential nowhere else', async () => {
    const { it, forge, remote, commit, follow, pull, at, newest, has } = await stagePull();
    const elsewhere = await startLfsRemote();
    it.defer(() => elsewhere.stop());
    for (const one of [remote, elsewhere]) one.objects.set(oidOf(art), Buffer.from(art));
    forge.config.mirror.allowedRanges = ['127.0.0.1'];
    await commit({ 'art.bin': pointerTo(art) });
    const places = ['http://127.0.0.2:9', 'http://169.254.169.254', 'http://[::1]:9', 'file:///etc'];
    for (const place of places) {
      remote.will.at = place;
      if (place === places[0]) await follow();
      else await pull();
      expect(newest()?.message, place).toContain('to which nobody is sent');
      expect(getUpstream(forge, at.repo).failures, place).toBe(0);
    }
    remote.will.at = `http://127.0.0.1:${elsewhere.port}`;
    await pull();
    expect(has(art)).toBe(true);
    expect(elsewhere.asked).toEqual([{ line: `GET /objects/${oidOf(art)}`, authorization: undefined }]);
  });

  test('that redirects is not followed, one that breaks off is tried again, and who cancels waits for nobody', async () => {
    const { forge, remote, commit, follow, pull, pulls, at, newest, here, has } = await stagePull();
    remote.objects.set(oidOf(art), Buffer.from(art));
    await commit({ 'art.bin': pointerTo(art) });
    const asked = Promise.withResolvers<void>();
    remote.will.instead = () => {
      asked.resolve();
      return true;
    };
    const followed = follow();
    await asked.promise;
    cancelPull(forge, pulls, { ...at });
    await followed;
    expect(newest()).toMatchObject({ state: 'cancelled' });
    remote.will.instead = (_request, response) => {
      response.writeHead(200, { 'content-length': String(art.length) }).write(art.slice(1));
      response.destroy();
      return true;
    };
    await pull();
    expect([newest()?.state, await here()]).toEqual(['failed', undefined]);
    remote.will.instead = ({ url = '' }, response) => {
      if (url.endsWith('again')) return false;
      response.writeHead(302, { location: `${url}/again` }).end();
      return true;
    };
    await pull();
    expect(newest()?.message).toContain('the answer was 302');
    delete remote.will.instead;
    await pull();
    expect(has(art)).toBe(true);
  });
});
