// The page of a folder and its JSON.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { closeReaders } from '../../src/git/object-reader.ts';
import { SettableClock } from '../../src/lib/clock.ts';
import { putMember } from '../../src/repos/store.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';
import { stageFiles } from './stage-repo.ts';

const open = useForge();

interface EntryJson {
  name: string;
  kind: string;
  mode: string;
  size: number | null;
  target: string | null;
  oid: string;
  lastChange?: { subject: string } | null;
}

test('folders come first, and every kind of entry says what it is', async () => {
  const { api, ask, commitTree, write } = await stageFiles(await open(), { 'z/inner.txt': '1\n' });
  const file = await write('four');
  const link = await write('../a <b>/target');
  const inner = (await api('/ada/app/tree/main'))['entries'] as EntryJson[];
  const away = 'a'.repeat(40);
  await commitTree('all', [
    { mode: '100644', name: 'b.txt', oid: file },
    { mode: '120000', name: 'link', oid: link },
    { mode: '160000', name: 'module', oid: away },
    { mode: '100755', name: 'run', oid: file },
    { mode: '040000', name: 'z', oid: inner[0]!.oid },
  ]);
  const entries = (await api('/ada/app/tree/all'))['entries'] as EntryJson[];
  expect(entries.map(({ name, kind, mode, size, target }) => [name, kind, mode, size, target])).toEqual([
    ['z', 'folder', '040000', null, null],
    ['b.txt', 'file', '100644', 4, null],
    ['link', 'symlink', '120000', null, '../a <b>/target'],
    ['module', 'submodule', '160000', null, null],
    ['run', 'file', '100755', 4, null],
  ]);
  const { text } = await ask('/ada/app/tree/all');
  expect(text).toContain('→ ../a &lt;b&gt;/target');
  expect(text).toContain(`@ ${away.slice(0, 8)}`);
  expect((await ask('/ada/app/blob/all/module')).text).toContain(away);
});

test('a folder shows its README, whose links lead to the files beside it', async () => {
  const { ask } = await stageFiles(await open(), {
    'README.txt': 'plain one\n',
    'docs/readme.md':
      '# Hi\n<script>alert(1)</script>\n[up](../a.txt) [top](/b.txt#x) [out](https://example.org/) [far](../../../../login) [js](javascript:alert(1))\n',
    'a.txt': 'a\n',
  });
  expect((await ask('/ada/app/tree')).text).toContain('plain one');
  const { text } = await ask('/ada/app/tree/main/docs');
  expect(text).toContain('&lt;script&gt;');
  expect(text).toContain('href="/ada/app/blob/main/a.txt"');
  expect(text).toContain('href="/ada/app/blob/main/b.txt#x"');
  expect(text).toContain('href="https://example.org/"');
  expect(text).not.toContain('login"');
  expect(text).not.toMatch(/href="javascript/);
});

test('the last commit of every entry is told when it is asked for, those of merges too', async () => {
  const { it, api, ask, folder, commit } = await stageFiles(await open(), {
    'a.txt': '1\n',
    'dir/x.txt': '1\n',
  });
  const { git } = it.forge;
  await commit('main', { 'dir/x.txt': '2\n' }, 'Change x\n');
  const side = await pushFiles(git, {
    repo: folder,
    branch: 'side',
    from: 'refs/heads/main',
    files: { 's.txt': '1\n' },
    message: 'Side\n',
  });
  await pushFiles(git, {
    repo: folder,
    branch: 'main',
    merges: [side],
    files: { 's.txt': '1\n', 'merged.txt': 'new\n' },
    message: 'Merge side\n',
  });
  const subjects = async (path: string) => {
    const { entries, hasAllChanges } = (await api(`/ada/app/tree/main${path}?with=commits`)) as unknown as {
      entries: EntryJson[];
      hasAllChanges: boolean;
    };
    expect(hasAllChanges).toBe(true);
    return Object.fromEntries(entries.map(({ name, lastChange }) => [name, lastChange?.subject]));
  };
  expect(await subjects('')).toEqual({
    dir: 'Change x',
    'a.txt': 'Change a.txt',
    's.txt': 'Side',
    'merged.txt': 'Merge side',
  });
  expect(await subjects('/dir')).toEqual({ 'x.txt': 'Change x' });
  const page = (await ask('/ada/app/tree/main')).text;
  expect(page).toContain('data-fill="/ada/app/tree/main?with=commits&amp;part=entries"');
  expect(page).not.toContain('Change x');
  const part = (await ask('/ada/app/tree/main?with=commits&part=entries')).text;
  expect(part).toContain('Change x');
  expect(part).not.toContain('<html');
});

test('what the history does not tell in time is left open, and said', async () => {
  const { it, ask, api, folder } = await stageFiles(await open(), { 'a.txt': '1\n' });
  // git has more to say of all these commits than fits between two looks at the clock.
  const who = `committer A <a@x> 1 +0000\ndata 300\n${'x'.repeat(300)}`;
  const commits = Array.from({ length: 5000 }, (_, index) => {
    const from = index === 0 ? 'from refs/heads/main^0\n' : '';
    return `commit refs/heads/main\n${who}\n${from}M 100644 inline b.txt\ndata ${String(index).length}\n${index}\n`;
  });
  await it.forge.git.run(['fast-import', '--quiet'], { repo: folder, input: commits.join('') });
  it.forge.config.limits.readSeconds = 0.000_001;
  expect((await api('/ada/app/tree/main?with=commits'))['hasAllChanges']).toBe(false);
  expect((await ask('/ada/app/tree/main?with=commits')).text).toContain('was not found in time');
});

test('a page that a reader has is not made again, but another reader gets their own', async () => {
  const { it, ask, served, commit } = await stageFiles(await open(), { 'a.txt': '1\n' });
  it.forge.db.run("UPDATE repos SET visibility = 'public'");
  for (const path of [
    '/ada/app/tree',
    '/ada/app/tree/main',
    '/ada/app/blob/main/a.txt',
    '/ada/app/raw/main/a.txt',
  ]) {
    const first = await ask(path);
    const tag = String(first.headers['etag']);
    expect(first.headers['cache-control'], path).toBe('private, no-cache');
    expect((await ask(path, { 'if-none-match': tag })).status, path).toBe(304);
    if (path.includes('raw')) continue;
    expect((await served.as()(path, { 'if-none-match': tag })).status, path).toBe(200);
  }
  const tag = String((await ask('/ada/app/tree')).headers['etag']);
  await commit('main', { 'a.txt': '2\n' });
  expect((await ask('/ada/app/tree', { 'if-none-match': tag })).status).toBe(200);
});

test('a page that a reader has is made anew for somebody else, with other rights, and on another day', async () => {
  const clock = new SettableClock();
  const { it, served, repo } = await stageFiles(await open({ clock }), { 'a.txt': '1\n' });
  it.forge.db.run("UPDATE repos SET visibility = 'public'");
  const path = '/ada/app/tree/main';
  const { account: eve } = it.account('eve');
  const [asEve, asBob] = [served.as(eve), served.as(it.account('bob').account)];
  const tagOf = async () => String((await asEve(path)).headers['etag']);
  const status = async (ask: typeof asEve, tag: string) => (await ask(path, { 'if-none-match': tag })).status;
  const first = await tagOf();
  expect([await status(asEve, first), await status(asBob, first)]).toEqual([304, 200]);
  putMember(it.forge.db, { repoId: repo.id, accountId: eve.id, role: 'write' });
  const second = await tagOf();
  expect([await status(asEve, first), await status(asEve, second)]).toEqual([200, 304]);
  // The same folder with more about it is another answer.
  expect((await asEve(`${path}?with=commits`, { 'if-none-match': second })).status).toBe(200);
  clock.advance(24 * 60 * 60 * 1000);
  expect(await status(asEve, second)).toBe(200);
});

test('Z3: nobody but its readers learns what is in a private repository', async () => {
  const { it, served, ask } = await stageFiles(await open(), { 'a.txt': 'secret\n' });
  const eve = served.as(it.account('eve').account);
  const nobody = served.as();
  for (const path of [
    'tree',
    'tree/main',
    'blob/main/a.txt',
    'raw/main/a.txt',
    'refs',
    'archive/main.zip',
    'search/main?q=secret',
  ]) {
    for (const prefix of ['/ada/app/', '/api/v1/repos/ada/app/']) {
      expect((await ask(prefix + path)).status, prefix + path).toBe(200);
      expect((await eve(prefix + path)).status, prefix + path).toBe(404);
      expect((await nobody(prefix + path)).status, prefix + path).toBe(401);
    }
  }
});

test('an empty repository leads to its own page, a file to its own, and nothing to 404', async () => {
  const it = await open();
  const { ask } = await stageFiles(it);
  expect(await ask('/ada/app/tree')).toMatchObject({ status: 302, headers: { location: '/ada/app' } });
  expect((await ask('/ada/app/refs')).text).toContain('No branches yet');
  expect((await ask('/api/v1/repos/ada/app/tree')).status).toBe(404);
  expect((await ask('/ada/app/tree/main')).status).toBe(404);
  await it.repo('ada/full', { files: { 'd/a.txt': '1\n' } });
  expect((await ask('/ada/full/tree/main/d/a.txt')).headers['location']).toBe('/ada/full/blob/main/d/a.txt');
  expect((await ask('/ada/full/blob/main/d')).headers['location']).toBe('/ada/full/tree/main/d');
  for (const path of [
    'tree/main/none',
    'blob/main/none',
    'raw/main/none',
    'raw/main/d',
    'tree/main/d/a.txt/x',
  ])
    expect((await ask(`/ada/full/${path}`)).status, path).toBe(404);
});

test('D2: a folder of very many entries comes part by part', async () => {
  const it = await open();
  const { ask, api, commitTree, write } = await stageFiles(it);
  it.forge.config.limits.maxFolderEntries = 3;
  const oid = await write('# Read me\n');
  const names = ['a', 'b', 'c', 'd', 'z.md', 'README.md'].sort();
  await commitTree(
    'main',
    names.map((name) => ({ mode: '100644', name, oid })),
  );
  const listed = async (from: number) => {
    const { entries, total } = (await api(`/ada/app/tree/main?from=${from}`)) as {
      entries: EntryJson[];
      total: number;
    };
    expect(total).toBe(6);
    return entries.map(({ name }) => name);
  };
  expect([...(await listed(0)), ...(await listed(3))]).toEqual(names);
  const first = (await ask('/ada/app/tree')).text;
  expect(first).toContain('href="/ada/app/tree/main?from=3"');
  expect(first).toContain('Read me');
  const second = (await ask('/ada/app/tree/main?from=3&with=commits')).text;
  expect(second).toContain('4–6 of 6');
  expect(second).not.toContain('rel="next"');
  // One for each entry, and one above them.
  expect(second.match(/Make main<\/a>/g)).toHaveLength(4);
  expect((await ask('/ada/app/tree?from=x')).status).toBe(400);
});

test('what is missing from a damaged repository is said, and the rest is shown', async () => {
  const it = await open();
  const { ask, text, folder } = await stageFiles(it, { 'a.txt': '1\n', 'dir/b.txt': '2\n' });
  const remove = async (name: string) => {
    const oid = await text('rev-parse', `refs/heads/main:${name}`);
    rmSync(join(folder, 'objects', oid.slice(0, 2), oid.slice(2)));
    closeReaders(it.forge.git);
  };
  await remove('a.txt');
  expect((await ask('/ada/app/tree')).text).toContain('dir');
  expect((await ask('/ada/app/blob/main/dir/b.txt')).status).toBe(200);
  for (const path of ['blob/main/a.txt', 'raw/main/a.txt']) {
    const { status, text: said } = await ask(`/ada/app/${path}`);
    expect([status, said.includes('missing from the repository or damaged')], path).toEqual([503, true]);
  }
  await remove('dir');
  expect((await ask('/ada/app/tree')).status).toBe(200);
  for (const path of [
    'tree/main/dir',
    'tree/main?with=commits',
    'blob/main/dir/b.txt',
    'search/main?in=names',
  ])
    expect((await ask(`/ada/app/${path}`)).status, path).toBe(503);
});
