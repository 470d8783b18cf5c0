// Which commit and which path an address names, with names that were chosen to be misunderstood.
import { expect, test } from 'vitest';
import { placeAt, type Place } from '../../src/browse/place.ts';
import { decodePath, encodePath, gitPath, showPath } from '../../src/git/git-path.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';
import { serveBrowse } from './serve-browse.ts';

const open = useForge();

async function stage() {
  const it = await open();
  const { account } = it.account('ada');
  const repo = await it.repo('ada/app', { files: { 'a.txt': 'one\n' } });
  const folder = it.repoFolder(repo);
  const { git } = it.forge;
  const text = (...args: string[]) => git.text(args, { repo: folder });
  const commit = (branch: string, files = { 'x.txt': `${branch}\n` }) =>
    pushFiles(git, { repo: folder, branch, files });
  const at = (address: string) => placeAt(it.forge, repo, address);
  return { it, account, repo, folder, git, text, commit, at };
}

const seen = (place: Place | undefined) =>
  place && [place.ref.kind, place.ref.name, place.commit, place.path];

test('the ref is the longest name that exists, branches before tags', async () => {
  const { commit, at, text } = await stage();
  const main = await text('rev-parse', 'refs/heads/main');
  const deep = await commit('topic/deep/er');
  const other = await commit('other');
  await text('tag', 'v1', other);
  await text('tag', 'other', main);
  await text('tag', '-a', '-m', 'said', 'main/tagged', deep);
  expect(seen(await at('main/a.txt'))).toEqual(['branch', 'main', main, 'a.txt']);
  expect(seen(await at('topic/deep/er/dir/f'))).toEqual(['branch', 'topic/deep/er', deep, 'dir/f']);
  expect(seen(await at('v1'))).toEqual(['tag', 'v1', other, '']);
  expect(seen(await at('other/f'))).toEqual(['branch', 'other', other, 'f']);
  expect(seen(await at('main/tagged/f'))).toEqual(['tag', 'main/tagged', deep, 'f']);
  expect(seen(await at('refs/heads/main/tagged/f'))).toEqual(['branch', 'main', main, 'tagged/f']);
  expect(seen(await at('refs/tags/other/f'))).toEqual(['tag', 'other', main, 'f']);
  expect(seen(await at(`${deep}/tree/main/blob`))).toEqual(['commit', deep, deep, 'tree/main/blob']);
  for (const empty of ['', 'HEAD', '///'])
    expect(seen(await at(empty))).toEqual(['branch', 'main', main, '']);
  expect(seen(await at('HEAD/a.txt'))).toEqual(['branch', 'main', main, 'a.txt']);
});

test('A1, A3: what git would resolve in its own ways is no name here', async () => {
  const { it, commit, at, text, folder, git } = await stage();
  const main = await text('rev-parse', 'refs/heads/main');
  const blob = await text('rev-parse', `${main}:a.txt`);
  await commit('b-gone');
  await git.run(['update-ref', 'refs/pika/heads/1/1', main], { repo: folder });
  for (const address of [
    'nothing',
    main.slice(0, 10),
    `x-g${main.slice(0, 8)}`,
    `refs/heads/x-g${main}`,
    'main~0',
    'main%5E',
    'main@%7B0%7D',
    '@',
    'FETCH_HEAD',
    'refs/pika/heads/1/1',
    'pika/heads/1/1',
    '-main',
    'main..main',
    'main%0Aother',
    ':/one',
    blob,
    'f'.repeat(40),
    `${'a/'.repeat(5000)}b`,
    '%ff%fe',
    '%00main',
    '%zz',
  ]) {
    await expect(at(address), address).rejects.toMatchObject({ code: 'not_found' });
  }
  const odd = await commit('x-gabcdef12');
  expect(seen(await at('x-gabcdef12'))).toEqual(['branch', 'x-gabcdef12', odd, '']);
  expect(it.forge).toBeDefined();
});

test('D4: every path of bytes survives its own address', async () => {
  for (const bytes of [
    Buffer.from([0xff, 0xfe, 0x2f, 0x41]),
    Buffer.from('a b/c?d#e%f&g;h\n\t"\'<>\\'),
    Buffer.from('ünï/日本.txt'),
    Buffer.from(Array.from({ length: 255 }, (_, index) => index + 1).filter((byte) => byte !== 47)),
  ]) {
    const path = gitPath(bytes);
    const address = encodePath(path);
    expect(address).toMatch(/^[\w\-.~+@,=/%]*$/);
    expect(decodePath(address)).toBe(path);
  }
  for (const odd of ['%', 'a%4', '%zz', 'a%00b', '\u20ac']) expect(decodePath(odd), odd).toBeUndefined();
  expect(showPath(gitPath(Buffer.from([0x61, 0xff])))).toBe('a\\xFF');
  expect(showPath(gitPath(Buffer.from('ü')))).toBe('ü');
});

test('D4: a file is found by its bytes over HTTP, whatever its name', async () => {
  const { it, account, git, folder } = await stage();
  const names: Buffer[] = [
    Buffer.from([0x62, 0xff, 0xfe]),
    Buffer.from('sp ace%41?x=1#y'),
    Buffer.from('new\nline'),
    Buffer.from('tree'),
    Buffer.from('...'),
    Buffer.from('-rf'),
    Buffer.from(':(top)x'),
  ];
  const blob = await git.text(['hash-object', '-w', '--stdin'], { repo: folder, input: 'content\n' });
  const list = names.map((name) =>
    Buffer.concat([Buffer.from(`100644 blob ${blob}\t`), name, Buffer.from([0])]),
  );
  const tree = await git.text(['mktree', '-z'], { repo: folder, input: Buffer.concat(list) });
  const head = await git.text(['commit-tree', '-m', 'odd', tree], { repo: folder });
  await git.run(['update-ref', 'refs/heads/odd', head], { repo: folder });
  const ask = (await serveBrowse(it)).as(account);
  const page = await ask('/ada/app/tree/odd');
  const json = JSON.parse((await ask('/api/v1/repos/ada/app/tree/odd')).text) as {
    entries: { path: string }[];
  };
  expect(json.entries).toHaveLength(names.length);
  for (const name of names) {
    const path = encodePath(gitPath(name));
    expect(page.text).toContain(`/ada/app/blob/odd/${path}"`);
    expect(json.entries.map((entry) => entry.path)).toContain(path);
    expect((await ask(`/ada/app/blob/odd/${path}`)).text).toContain('content');
    expect((await ask(`/ada/app/raw/odd/${path}`)).text).toBe('content\n');
    const found = await ask(`/api/v1/repos/ada/app/blob/odd/${path}`);
    expect(JSON.parse(found.text)).toMatchObject({ kind: 'file', oid: blob, path, text: 'content\n' });
  }
  expect((await ask('/ada/app/tree/odd/..')).status).toBe(404);
  expect((await ask('/ada/app/tree/odd/%2e%2e/%2e%2e/etc')).status).toBe(404);
  expect((await ask('/ada/app/tree/odd//tree')).status).toBe(404);
  expect((await ask('/ada/app/tree/odd/%zz')).status).toBe(404);
});
