// A push of more refs than are named on a command line, on each of the ways that git goes.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SettableClock } from '../../src/lib/clock.ts';
import type { CredentialRequest } from '../../src/mirror/model.ts';
import { startBackend } from '../support/foreign-http.ts';
import { startForeignSsh } from '../support/foreign-ssh.ts';
import { useForge, type TestForge } from '../support/forge.ts';
import { whyNoSshd } from '../support/sshd.ts';
import { mirrorSettings, stageMirror } from './stage-mirror.ts';

const open = useForge();
const noSshd = whyNoSshd();
const token = 'ghp_0123456789abcdefXYZ';
const names = ['a', 'b', 'c', 'd', 'e', 'f'];

async function stage() {
  const clock = new SettableClock();
  const it = await open({ clock, settings: { mirror: { ...mirrorSettings.mirror, maxListedRefs: 3 } } });
  const staged = await stageMirror(it, clock);
  const main = await staged.git('rev-parse', 'refs/heads/main');
  const make = async (): Promise<void> => {
    for (const name of names) await staged.git('branch', name, main);
  };
  const force = (): Promise<string[]> => Promise.all(names.map((name) => staged.push(name, 'forced', main)));
  return { ...staged, main, make, force };
}

interface Place {
  url: string;
  folder: string;
  credential: CredentialRequest;
  authorize?: (publicKey: string | undefined) => void;
}

const places: Record<string, (it: TestForge, folder: string) => Promise<Place>> = {
  'a folder': async (_it, folder) => ({ url: folder, folder, credential: { kind: 'none' } }),
  HTTP: async (it) => {
    const backend = await startBackend({ token });
    it.defer(() => backend.stop());
    const url = await backend.repo('app.git');
    const credential = { kind: 'token' as const, user: 'ada', token };
    return { url, folder: join(backend.folder, 'app.git'), credential };
  },
  SSH: async (it) => {
    const server = await startForeignSsh();
    it.defer(() => server.stop());
    const url = await server.repo('app.git');
    const folder = join(server.folder, 'app.git');
    return { url, folder, credential: { kind: 'key' }, authorize: (key) => server.authorize(key ?? '') };
  },
};

test.each(Object.keys(places).filter((place) => place !== 'SSH' || noSshd === undefined))(
  'very many refs over %s are made, moved by force and deleted, and what somebody moved is left',
  async (over) => {
    const { it, far, add, git, tell, row, syncs, main, make, force, clock } = await stage();
    await make();
    const there = await far('there');
    const place = await places[over]!(it, there.folder);
    const theirGit = (...args: string[]) => it.forge.git.text(args, { repo: place.folder });
    const refs = () => theirGit('for-each-ref', '--format=%(refname:strip=2) %(objectname)');
    const { publicKey } = add('there', place.url, { credential: place.credential });
    place.authorize?.(publicKey);
    await tell();
    expect(await refs()).toBe([...names, 'main'].map((name) => `${name} ${main}`).join('\n'));
    const heads = await force();
    await git('update-ref', '-d', 'refs/heads/f');
    const theirs = await theirGit('commit-tree', '-m', 'theirs', '-p', main, `${main}^{tree}`);
    await theirGit('update-ref', 'refs/heads/a', theirs);
    clock.advance(60_000);
    await tell();
    const moved = ['b', 'c', 'd', 'e'].map((name, index) => `${name} ${heads[index + 1]}`);
    expect(await refs()).toBe([`a ${theirs}`, ...moved, `main ${main}`].join('\n'));
    expect(row('there', 'refs/heads/a')).toMatchObject({ state: 'diverged' });
    expect(syncs('there')[0]).toMatchObject({ state: 'done', pushed: 4, deleted: 1, diverged: 1 });
    // More of them than are listed are deleted, which no pattern says.
    for (const name of ['b', 'c', 'd', 'e']) await git('update-ref', '-d', `refs/heads/${name}`);
    await tell();
    expect(await refs()).toBe(`a ${theirs}\nmain ${main}`);
  },
);

test('one of very many that somebody moves between the look and the push stays, and the others follow', async () => {
  let onAsked = (): void => undefined;
  const backend = await startBackend({
    instead: ({ url }) => {
      if (url?.endsWith('service=git-receive-pack') === true) onAsked();
      return false;
    },
  });
  const { it, add, tell, row, mirror, main, make, force, clock } = await stage();
  it.defer(() => backend.stop());
  await make();
  add('there', await backend.repo('app.git'));
  await tell();
  const heads = await force();
  const folder = join(backend.folder, 'app.git');
  const theirs = await it.forge.git.text(['commit-tree', '-m', 'theirs', '-p', main, `${main}^{tree}`], {
    repo: folder,
  });
  onAsked = () => writeFileSync(join(folder, 'refs/heads/a'), `${theirs}\n`);
  await tell();
  const refs = await it.forge.git.text(['for-each-ref', '--format=%(refname:strip=2) %(objectname)'], {
    repo: folder,
  });
  const moved = names.slice(1).map((name, index) => `${name} ${heads[index + 1]}`);
  expect(refs).toBe([`a ${theirs}`, ...moved, `main ${main}`].join('\n'));
  expect(row('there', 'refs/heads/a')).toMatchObject({
    state: 'behind',
    message: expect.stringContaining('in this moment'),
  });
  expect(mirror('there').wanted).toBeGreaterThan(mirror('there').done);
  clock.advance(60 * 60_000);
  await tell();
  expect(row('there', 'refs/heads/a')).toMatchObject({ state: 'diverged', thereOid: theirs });
});

test('a hook that judges very many as a whole is asked for fewer and fewer, and keeps out what it dislikes alone', async () => {
  const { far, add, tell, row, make, main } = await stage();
  await make();
  const there = await far('there');
  there.hook('pre-receive', 'if grep -q heads/b; then echo "no b, see AB-7" >&2; exit 1; fi');
  add('there', there.folder);
  await tell();
  const others = ['a', 'c', 'd', 'e', 'f', 'main'].map((name) => [`refs/heads/${name}`, main]);
  expect(await there.refs()).toEqual(Object.fromEntries(others));
  expect(row('there', 'refs/heads/b')).toMatchObject({
    state: 'refused',
    message: expect.stringContaining('no b, see AB-7'),
  });
});

test('a remote over HTTP that takes no push as a whole is told so, and takes what it wants of very many', async () => {
  const backend = await startBackend();
  const { it, add, tell, row, make, mirror } = await stage();
  it.defer(() => backend.stop());
  await make();
  const url = await backend.repo('app.git');
  const folder = join(backend.folder, 'app.git');
  const theirGit = (...args: string[]) => it.forge.git.text(args, { repo: folder });
  await theirGit('config', 'receive.advertiseAtomic', 'false');
  const script = '#!/bin/sh\ncase "$1" in */b) echo "no b, see AB-7" >&2; exit 1;; esac\n';
  writeFileSync(join(folder, 'hooks/update'), script, { mode: 0o755 });
  add('there', url);
  await tell();
  expect(await theirGit('for-each-ref', '--format=%(refname:strip=2)')).toBe('a\nc\nd\ne\nf\nmain');
  expect(mirror('there').isAtomic).toBe(false);
  expect(row('there', 'refs/heads/b')).toMatchObject({
    state: 'refused',
    message: expect.stringContaining('no b, see AB-7'),
  });
});
