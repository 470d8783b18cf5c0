// The real client of Git LFS, beside the real git, over both transports.
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { GitClient } from '../support/git-client.ts';
import { runProgram } from '../support/run-program.ts';
import { useServedForge, type ServedForge } from '../support/serve.ts';

const startForge = useServedForge();
const version = await runProgram(['git-lfs', 'version'], {
  cwd: '/',
  env: { PATH: process.env['PATH'] ?? '' },
})
  .then(({ stdout }) => stdout)
  .catch(() => '');
if (version === '') console.warn('Skipped: the client of Git LFS is not installed (Debian package git-lfs).');

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

describe.skipIf(version === '')('the client of Git LFS', () => {
  test('pushes and clones a large file over SSH, and the repository holds only its pointer', async () => {
    const served = await startForge();
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
    const served = await startForge();
    const ada = await served.person('ada');
    await track(ada, large);
    const url = await httpUrl(served, 'ada', 'ada/art');
    await ada.git('remote', 'add', 'origin', url);
    const pushed = await ada.tryGit('push', 'origin', 'main');
    expect(pushed, pushed.stderr).toMatchObject({ status: 0 });
    expect((await cloned(ada, url)).equals(large)).toBe(true);
  });

  test('keeps a file that two repositories have once on disk', async () => {
    const served = await startForge();
    const [ada, eve] = [await served.person('ada'), await served.person('eve')];
    for (const client of [ada, eve]) {
      await track(client, large);
      await client.git('remote', 'add', 'origin', sshUrl(served, `${client.name}/art`));
      await client.git('push', '--quiet', 'origin', 'main');
    }
    const oid = hashOf(large);
    const path = join(served.data, 'lfs', 'objects', oid.slice(0, 2), oid.slice(2, 4), oid);
    expect(existsSync(path)).toBe(true);
    const held = await runProgram(['find', join(served.data, 'lfs'), '-type', 'f'], {
      cwd: served.folder,
      env: { PATH: process.env['PATH'] ?? '' },
    });
    expect(held.stdout.trim().split('\n')).toEqual([path]);
  });

  test('is told in a sentence when somebody may not read the repository', async () => {
    const served = await startForge();
    const [ada, eve] = [await served.person('ada'), await served.person('eve')];
    await track(ada, large);
    await ada.git('remote', 'add', 'origin', sshUrl(served, 'ada/art'));
    await ada.git('push', '--quiet', 'origin', 'main');
    await track(eve, large);
    await eve.git('remote', 'add', 'origin', sshUrl(served, 'ada/art'));
    const pushed = await eve.tryGit('lfs', 'push', 'origin', 'main');
    expect(pushed.status).not.toBe(0);
    expect(pushed.stderr).toContain('There is no repository ada/art, or you may not see it.');
  });

  test('locks a file, holds others back from pushing it, and lets who maintains the repository force it', async () => {
    const served = await startForge();
    const [ada, root] = [await served.person('ada'), await served.person('root', 'admin')];
    await track(ada, large);
    const url = sshUrl(served, 'ada/art');
    await ada.git('remote', 'add', 'origin', url);
    await ada.git('push', '--quiet', 'origin', 'main');
    expect(await ada.git('lfs', 'lock', 'art.bin')).toContain('Locked art.bin');
    expect(await ada.git('lfs', 'locks')).toMatch(/art\.bin\s+ada\s+ID:\d+/);
    expect((await ada.tryGit('lfs', 'lock', 'art.bin')).stderr).toContain('ada has locked art.bin already.');

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
    expect(await ada.git('lfs', 'locks')).toBe('');
    expect((await root.tryGit('push', 'origin', 'change')).status).toBe(0);
  });
});
