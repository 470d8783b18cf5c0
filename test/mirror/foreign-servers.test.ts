// A whole sync against servers that are none of ours: real sshd with a deploy key, real nginx with TLS and a token before
// git's own http-backend, and node-git-server.
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Git as NodeGitServer } from 'node-git-server';
import { expect, test } from 'vitest';
import { SettableClock } from '../../src/lib/clock.ts';
import { sweepLfs } from '../../src/lfs/sweep.ts';
import { changeMirror } from '../../src/mirror/set-mirror.ts';
import { startBackend, startNginx, whyNoNginx } from '../support/foreign-http.ts';
import { startForeignSsh } from '../support/foreign-ssh.ts';
import { useForge } from '../support/forge.ts';
import { whyNoSshd } from '../support/sshd.ts';
import { keep, pointerTo, startLfsRemote } from './lfs-remote.ts';
import { mirrorSettings, stageMirror } from './stage-mirror.ts';

const open = useForge();
const token = 'ghp_0123456789abcdefXYZ';
const noNginx = whyNoNginx();
const noSshd = whyNoSshd();

async function stage() {
  const clock = new SettableClock();
  const it = await open({ clock, settings: mirrorSettings });
  const staged = await stageMirror(it, clock);
  const refsOf = async (folder: string): Promise<string> =>
    it.forge.git.text(['for-each-ref', '--format=%(refname) %(objectname)', 'refs/heads'], { repo: folder });
  return { ...staged, refsOf };
}

test.skipIf(noSshd !== undefined)(
  `over SSH with the deploy key that the forge made${noSshd === undefined ? '' : `: ${noSshd}`}`,
  async () => {
    const { it, forge, repo, caller, clock, add, push, git, tell, mirror, refsOf, syncs } = await stage();
    const server = await startForeignSsh();
    it.defer(() => server.stop());
    const url = await server.repo('app.git');
    const remote = add('there', url, { credential: { kind: 'key' } });
    await tell();
    expect(mirror('there').problem).toContain('does not take the credential');
    server.authorize(remote.publicKey ?? '');
    clock.advance(60_000);
    await tell();
    const main = await git('rev-parse', 'refs/heads/main');
    expect(await refsOf(join(server.folder, 'app.git'))).toBe(`refs/heads/main ${main}`);
    expect(mirror('there')).toMatchObject({ isAtomic: true, problem: undefined });
    expect(server.hostKey()).toContain(mirror('there').hostKeys);
    // Somebody else answers at the address: nothing is sent to them until a person says so.
    await server.newHostKey();
    const newest = await push('main', 'newer');
    await tell();
    expect(mirror('there').problem).toContain('another key than before');
    changeMirror(forge, { repo, caller, name: 'there', change: { forgetHostKeys: true } });
    await tell();
    expect(await refsOf(join(server.folder, 'app.git'))).toBe(`refs/heads/main ${newest}`);
    // It is a plain server of git, and a large file is no reason to fall behind.
    await push('main', pointerTo('a large file'));
    await tell();
    expect(syncs('there')[0]).toMatchObject({ state: 'done', pushed: 1 });
    expect(syncs('there')[0]?.message).toMatch(/ 1 LFS object .* it does not know git-lfs-authenticate\.$/);
  },
);

test.skipIf(noNginx !== undefined)(
  `large files go over HTTPS to the server whose certificate is believed${noNginx === undefined ? '' : `: ${noNginx}`}`,
  async () => {
    const { it, forge, repo, add, push, tell, syncs } = await stage();
    await sweepLfs(forge);
    const remote = await startLfsRemote();
    it.defer(() => remote.stop());
    const nginx = await startNginx(remote);
    it.defer(() => nginx.stop());
    await remote.repo('app.git');
    remote.will.at = nginx.origin;
    const content = 'a large file';
    await keep(forge, repo, content);
    await push('main', pointerTo(content));
    forge.config.mirror.allowedSchemes = ['https'];
    forge.config.mirror.caFile = nginx.certificate;
    add('there', `${nginx.origin}/app`);
    await tell();
    expect(syncs('there')[0]).toMatchObject({ state: 'done', message: '1 LFS object sent.' });
    expect(nginx.log()).toContain('POST /app.git/info/lfs/objects/batch');
    remote.will.at = `http://127.0.0.1:${remote.port}`;
    const other = 'another large file';
    await keep(forge, repo, other);
    await push('main', pointerTo(other));
    await tell();
    expect(syncs('there')[0]?.message).toContain('this forge does not use http:');
    expect(remote.objects.size).toBe(1);
  },
);

test.skipIf(noNginx !== undefined)(
  `over HTTPS with a token, behind nginx${noNginx === undefined ? '' : `: ${noNginx}`}`,
  async () => {
    const { it, forge, add, push, tell, mirror, refsOf } = await stage();
    const backend = await startBackend({ token });
    it.defer(() => backend.stop());
    const nginx = await startNginx(backend);
    it.defer(() => nginx.stop());
    await backend.repo('app.git');
    add('there', `${nginx.origin}/app.git`, { credential: { kind: 'token', token, user: 'ada' } });
    await tell();
    expect(mirror('there').problem).toContain('cannot be reached');
    forge.config.mirror.caFile = nginx.certificate;
    const topic = await push('topic', 'one');
    add('again', `${nginx.origin}/app.git`, { credential: { kind: 'token', token, user: 'ada' } });
    await tell();
    expect(mirror('again')).toMatchObject({ problem: undefined, failures: 0 });
    expect(await refsOf(join(backend.folder, 'app.git'))).toContain(`refs/heads/topic ${topic}`);
    expect(nginx.log()).not.toContain(token);
  },
);

test('over HTTP to node-git-server, which asks for a password in its own way', async () => {
  const { it, add, push, git, tell, mirror, refsOf } = await stage();
  const folder = mkdtempSync(join(tmpdir(), 'pika-node-git-'));
  it.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
  const server = new NodeGitServer(folder, {
    autoCreate: true,
    authenticate: ({ user }, next) => {
      user((_name, password) => next(password === token ? undefined : new Error('no')));
    },
  });
  const listening = Promise.withResolvers<void>();
  server.listen(0, { type: 'http' }, () => listening.resolve());
  await listening.promise;
  it.defer(async () => void (await server.close()));
  const { port } = (server as unknown as { server: { address: () => AddressInfo } }).server.address();
  const url = `http://127.0.0.1:${port}/app.git`;
  add('there', url, { credential: { kind: 'token', token, user: 'git' } });
  add('locked', url, { credential: { kind: 'token', token: 'wrong', user: 'git' } });
  const topic = await push('topic', 'one', await git('rev-parse', 'refs/heads/main'));
  await tell();
  const main = await git('rev-parse', 'refs/heads/main');
  expect(mirror('there').problem).toBeUndefined();
  expect(await refsOf(join(folder, 'app.git'))).toBe(`refs/heads/main ${main}\nrefs/heads/topic ${topic}`);
  expect(mirror('locked').problem).toContain('does not take the credential');
  await git('update-ref', '-d', 'refs/heads/topic');
  const newest = await push('main', 'newer');
  await tell();
  expect(await refsOf(join(folder, 'app.git'))).toBe(`refs/heads/main ${newest}`);
});
