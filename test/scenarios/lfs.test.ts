// The real client of Git LFS, beside the real git, over both transports.
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { GitClient } from '../support/git-client.ts';
import { whyNoLfsClient } from '../support/lfs-client.ts';
import { runProgram } from '../support/run-program.ts';
import { useServedForge, useSharedForge, type ServedForge } from '../support/serve.ts';

const startForge = useServedForge();
/** One forge for the tests with a client; each has people and repositories of its own. */
const sharedForge = useSharedForge();
const missing = await whyNoLfsClient();
if (missing !== undefined) console.warn(`Skipped: the client of Git LFS: ${missing}.`);

const large = randomBytes(3_000_000);
const hashOf = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

/** Commits `art.bin` by way of Git LFS. */
async function track(client: GitClient, content: Buffer): Promise<void> {
  await client.git('lfs', 'install', '--local');
  await client.git('lfs', 'track', '--lockable', '*.bin');
  writeFileSync(join(client.checkout, 'art.bin'), content);
  await client.commit('Add art', {});
}

const sshUrl = (served: ServedForge, repo: string): string => `ssh://git@${served.ssh}/${repo}.git`;

/** The address with a token in it, which is all that git and git-lfs need to sign in over HTTP. */
async function httpUrl(served: ServedForge, account: string, repo: string): Promise<string> {
  const token = await served.token(account);
  return `${served.http.replace('://', `://${account}:${token}@`)}/${repo}.git`;
}

/** Clones into the client's home and answers the content of `art.bin`. */
async function cloned(client: GitClient, url: string): Promise<Buffer> {
  const folder = join(client.home, 'clone');
  await client.git('lfs', 'install');
  await client.git('clone', '--quiet', url, folder);
  return readFileSync(join(folder, 'art.bin'));
}

describe.skipIf(missing !== undefined)('the client of Git LFS', () => {
  test('pushes and clones a large file over SSH, and the repository holds only its pointer', async () => {
    const served = await sharedForge();
    const ada = await served.person('ada');
    await track(ada, large);
    await ada.git('remote', 'add', 'origin', sshUrl(served, 'ada/art'));
    const pushed = await ada.tryGit('push', 'origin', 'main');
    expect(pushed, pushed.stderr).toMatchObject({ status: 0 });
    expect(pushed.stderr).not.toMatch(/error|does not support|warning/i);
    expect(await ada.git('cat-file', '-p', 'HEAD:art.bin')).toContain(`oid sha256:${hashOf(large)}`);
    expect((await cloned(ada, sshUrl(served, 'ada/art'))).equals(large)).toBe(true);
  });

  test('pushes and clones over HTTP with a token, into a repository that its push creates', async () => {
    const served = await sharedForge();
    const hal = await served.person('hal');
    await track(hal, large);
    const url = await httpUrl(served, 'hal', 'hal/art');
    await hal.git('remote', 'add', 'origin', url);
    const pushed = await hal.tryGit('push', 'origin', 'main');
    expect(pushed, pushed.stderr).toMatchObject({ status: 0 });
    expect((await cloned(hal, url)).equals(large)).toBe(true);
  });

  test('keeps a file that two repositories have once on disk', async () => {
    const served = await sharedForge();
    const [tom, una] = [await served.person('tom'), await served.person('una')];
    const shared = randomBytes(100_000);
    for (const client of [tom, una]) {
      await track(client, shared);
      await client.git('remote', 'add', 'origin', sshUrl(served, `${client.name}/art`));
      await client.git('push', '--quiet', 'origin', 'main');
    }
    const oid = hashOf(shared);
    const path = join(served.data, 'lfs', 'objects', oid.slice(0, 2), oid.slice(2, 4), oid);
    const held = await runProgram(['find', join(served.data, 'lfs'), '-name', `${oid}*`], {
      cwd: served.folder,
      env: { PATH: process.env['PATH'] ?? '' },
    });
    expect(held.stdout.trim().split('\n')).toEqual([path]);
  });

  test('is told in a sentence when somebody may not read the repository', async () => {
    const served = await sharedForge();
    const [ivo, eve] = [await served.person('ivo'), await served.person('eve')];
    await track(ivo, large);
    await ivo.git('remote', 'add', 'origin', sshUrl(served, 'ivo/art'));
    await ivo.git('push', '--quiet', 'origin', 'main');
    await track(eve, large);
    await eve.git('remote', 'add', 'origin', sshUrl(served, 'ivo/art'));
    const pushed = await eve.tryGit('lfs', 'push', 'origin', 'main');
    expect(pushed.status).not.toBe(0);
    expect(pushed.stderr).toContain('There is no repository ivo/art, or you may not see it.');
  });

  test('locks a file, holds others back from pushing it, and lets who maintains the repository force it', async () => {
    const served = await sharedForge();
    const [kay, root] = [await served.person('kay'), await served.person('root', 'admin')];
    await track(kay, large);
    const url = sshUrl(served, 'kay/art');
    await kay.git('remote', 'add', 'origin', url);
    await kay.git('push', '--quiet', 'origin', 'main');
    expect(await kay.git('lfs', 'lock', 'art.bin')).toContain('Locked art.bin');
    expect(await kay.git('lfs', 'locks')).toMatch(/art\.bin\s+kay\s+ID:\d+/);
    expect((await kay.tryGit('lfs', 'lock', 'art.bin')).stderr).toContain('kay has locked art.bin already.');

    await root.git('remote', 'add', 'origin', url);
    await root.git('lfs', 'install', '--local');
    await root.git('fetch', '--quiet', 'origin');
    await root.git('switch', '--quiet', '--create', 'change', 'origin/main');
    // The client makes a file that somebody else has locked read-only; this one changes it all the same.
    await root.git('config', 'lfs.setlockablereadonly', 'false');
    await root.git('config', 'lfs.locksverify', 'true');
    await runProgram(['rm', 'art.bin'], { cwd: root.checkout, env: root.env });
    writeFileSync(join(root.checkout, 'art.bin'), randomBytes(1000));
    await root.commit('Change what is locked', {});
    const held = await root.tryGit('push', 'origin', 'change');
    expect(held.status).not.toBe(0);
    expect(held.stderr).toContain('Cannot update locked files.');

    const gentle = await root.tryGit('lfs', 'unlock', 'art.bin');
    expect(gentle.status).not.toBe(0);
    expect(await root.git('lfs', 'unlock', '--force', 'art.bin')).toContain('Unlocked art.bin');
    expect(await kay.git('lfs', 'locks')).toBe('');
    expect((await root.tryGit('push', 'origin', 'change')).status).toBe(0);
  });
});

/** Sends the first part of an object and leaves the connection open. */
async function beginUpload(served: ServedForge, token: string, content: Buffer): Promise<void> {
  const path = `/ada/art.git/info/lfs/objects/${hashOf(content)}?size=${content.length}`;
  const headers = { authorization: `Bearer ${token}`, 'content-length': content.length };
  const request = httpRequest(new URL(path, served.http), { method: 'PUT', headers });
  request.on('error', () => undefined);
  request.write(content.subarray(0, 1_000_000));
  await expect.poll(() => readdirSync(join(served.data, 'lfs', 'incoming')).length).toBe(1);
}

test('kill -9 in the middle of an upload loses nothing that was answered and leaves nothing of the rest', async () => {
  const served = await startForge();
  await served.person('ada');
  await served.operate('repo', 'create', 'ada/art');
  const token = await served.token('ada');
  const headers = { authorization: `Bearer ${token}` };
  const urlOf = (content: Buffer) => `${served.http}/ada/art.git/info/lfs/objects/${hashOf(content)}`;
  const send = async (content: Buffer) => {
    const body = new Uint8Array(content);
    return (await fetch(`${urlOf(content)}?size=${content.length}`, { method: 'PUT', headers, body })).status;
  };
  const answered = randomBytes(100_000);
  expect(await send(answered)).toBe(200);
  await beginUpload(served, token, large);
  await served.kill();
  await served.restart();
  expect(readdirSync(join(served.data, 'lfs', 'incoming'))).toEqual([]);
  const kept = await fetch(urlOf(answered), { headers });
  expect(Buffer.from(await kept.arrayBuffer()).equals(answered)).toBe(true);
  expect((await fetch(urlOf(large), { headers })).status).toBe(404);
  expect(await send(large)).toBe(200);
});
