// P2: a repository may hold links that lead out of it, folders that are links, and names that mean something to a file
// system or to git. They are read as what they are; nothing outside of the repository is read or written.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { serveGit, type Person } from '../support/git-server.ts';
import { runProgram, type ProgramResult } from '../support/run-program.ts';
import { useForge } from '../support/forge.ts';
import { stageFiles, type StagedFiles } from '../browse/stage-repo.ts';

const open = useForge();
const secret = 'what lies beside the repository';

/** Links to a file and to a folder beside the repository, and a file that pretends to lie in that folder. */
async function stage(): Promise<StagedFiles & { outside: string; targets: string[] }> {
  const it = await open();
  const staged = await stageFiles(it, { 'a.txt': 'a\n' });
  const outside = join(it.folder, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'secret.txt'), secret);
  const { write } = staged;
  const targets = [join(outside, 'secret.txt'), '../../../outside/secret.txt', outside, '../../hooks'];
  const links = await Promise.all(
    targets.map(async (target, index) => ({
      mode: '120000',
      name: `link${index}`,
      oid: await write(target),
    })),
  );
  const inner = await staged.text('rev-parse', 'refs/heads/main^{tree}');
  const file = await write('inside\n');
  const config = { mode: '100644', name: 'config', oid: file };
  await staged.commitTree('links', [...links, { ...config, name: '.gitmodules' }, config]);
  // No push brings these, but they may lie in a repository that was there before the forge.
  await staged.commitTree('odd', [
    { mode: '040000', name: '.git', oid: inner },
    { mode: '040000', name: '..', oid: inner },
    config,
  ]);
  return { ...staged, outside, targets };
}

test('P2: a link is its text on every page, and what it leads to is not read through it', async () => {
  const { ask, targets } = await stage();
  for (const [index, target] of targets.entries()) {
    expect((await ask(`/ada/app/raw/links/link${index}`)).text).toBe(target);
    for (const prefix of ['', '/api/v1/repos']) {
      for (const verb of ['blob', 'blame', 'commits', 'tree', 'raw']) {
        const answer = await ask(`${prefix}/ada/app/${verb}/links/link${index}`);
        expect(answer.status, verb).toBeLessThan(500);
        expect(answer.text, verb).not.toContain(secret);
        const below = await ask(`${prefix}/ada/app/${verb}/links/link${index}/secret.txt`);
        expect(below.text, `${verb} below`).not.toContain(secret);
        if (verb !== 'commits') expect(below.status, `${verb} below`).toBe(404);
      }
    }
  }
  expect((await ask('/ada/app/search/links?q=beside')).text).not.toContain(secret);
});

test('P2: names like .git and .. are entries of a folder, and never a way to a file of the forge', async () => {
  const { ask } = await stage();
  for (const folder of ['.git', '%2e%2e']) {
    expect((await ask(`/ada/app/raw/odd/${folder}/a.txt`)).text).toBe('a\n');
    for (const name of ['config', 'HEAD', 'hooks/pre-receive', 'objects', '../config', '..%2fconfig'])
      expect((await ask(`/ada/app/raw/odd/${folder}/${name}`)).status, `${folder}/${name}`).toBe(404);
  }
  for (const verb of ['commits', 'blame', 'tree']) {
    for (const path of ['..', '%2e%2e/a.txt', './config', '.git/../..']) {
      for (const prefix of ['', '/api/v1/repos']) {
        const { status } = await ask(`${prefix}/ada/app/${verb}/odd/${path.replaceAll('.', '%2e')}`);
        expect(status, `${verb} ${path}`).toBeLessThan(500);
      }
    }
  }
  expect((await ask('/ada/app/raw/odd/config')).text).toBe('inside\n');
  for (const name of ['../../forge.db', '%2e%2e/%2e%2e/forge.db', '/etc/passwd', '%2fetc%2fpasswd'])
    expect((await ask(`/ada/app/raw/main/${name}`)).status, name).toBe(404);
});

test('P2: an archive carries links as links, all below its one folder, and the forge writes nothing to make it', async () => {
  const { ask, outside, it } = await stage();
  const { status, body } = await ask('/ada/app/archive/links.tar.gz');
  expect(status).toBe(200);
  const tar = join(it.folder, 'links.tar');
  writeFileSync(tar, gunzipSync(body));
  const { stdout } = await runProgram(['tar', '-tvPf', tar], {
    cwd: it.folder,
    env: { PATH: process.env['PATH'] ?? '' },
  });
  const lines = stdout.trim().split('\n');
  expect(lines.length).toBe(7);
  for (const line of lines) expect(line).toMatch(/ app-links\//);
  expect(lines.filter((line) => line.startsWith('l'))).toHaveLength(4);
  expect(body.includes(secret)).toBe(false);
  expect(gunzipSync(body).includes(secret)).toBe(false);
  expect((await ask('/ada/app/archive/links.zip')).body.includes(secret)).toBe(false);
  expect(existsSync(join(outside, 'a.txt'))).toBe(false);
});

test(
  'P2: a push of .git, of .. or of a link in their place is refused by the check of objects',
  {
    timeout: 120_000,
  },
  async () => {
    const it = await open();
    const server = await serveGit(it);
    const ada = await server.person('ada');
    const url = server.httpUrl('ada/app', ada.token());
    await ada.commit('Start', { 'a.txt': 'a\n' });
    await ada.git('push', url, 'main');
    const tree = await ada.git('rev-parse', 'HEAD^{tree}');
    const blob = await ada.git('rev-parse', 'HEAD:a.txt');
    const pushTree = pusher(ada, url);
    for (const entry of [
      `40000 .git\0`,
      `40000 .GIT\0`,
      `40000 ..\0`,
      `40000 git~1\0`,
      `40000 a/b\0`,
      `120000 .gitmodules\0`,
    ]) {
      const oid = entry.startsWith('4') ? tree : blob;
      const pushed = await pushTree(entry, oid);
      expect(pushed.status, JSON.stringify(entry)).not.toBe(0);
      expect(pushed.stderr, JSON.stringify(entry)).toMatch(/remote: .*fsck|hasDot|fullPathname|gitmodules/i);
    }
    expect((await pushTree('40000 fine\0', tree)).status).toBe(0);
  },
);

/** Pushes a commit whose tree has this entry alone, as its bytes are. */
const pusher =
  (ada: Person, url: string) =>
  async (entry: string, oid: string): Promise<ProgramResult> => {
    const file = join(ada.home, 'tree');
    writeFileSync(file, Buffer.concat([Buffer.from(entry), Buffer.from(oid, 'hex')]));
    const tree = await ada.git('hash-object', '-t', 'tree', '-w', '--literally', file);
    const commit = await ada.git('commit-tree', tree, '-m', 'Odd', '-p', 'HEAD');
    return ada.tryGit('push', url, `${commit}:refs/heads/odd`);
  };
