// Branches and tags, page by page.
import { expect, test } from 'vitest';
import { useForge } from '../support/forge.ts';
import { stageFiles } from './stage-repo.ts';

const open = useForge();

interface RefsJson {
  refs: { name: string; commit: { oid: string } | null }[];
  matching: number;
  total: number;
}

test('the default branch is first, and the rest comes page by page', async () => {
  const it = await open();
  const { ask, api, text, folder } = await stageFiles(it, { 'a.txt': '1\n' });
  it.forge.config.limits.maxRowsPerPage = 3;
  const head = await text('rev-parse', 'refs/heads/main');
  const names = ['a', 'b/c', 'b/d', 'zz'];
  const input = names.map((name) => `create refs/heads/${name} ${head}\n`).join('');
  await it.forge.git.run(['update-ref', '--stdin'], { repo: folder, input });
  const first = (await api('/ada/app/refs')) as unknown as RefsJson;
  expect(first.refs.map(({ name }) => name)).toEqual(['main', 'a', 'b/c']);
  expect(first).toMatchObject({ matching: 5, total: 5 });
  expect(first.refs[0]?.commit?.oid).toBe(head);
  const page = (await ask('/ada/app/refs')).text;
  expect(page).toContain('href="?kind=branches&amp;from=3"');
  expect(page).toContain('1–3 of 5');
  const second = (await ask('/ada/app/refs?kind=branches&from=3')).text;
  expect(second).toContain('>zz</a>');
  expect(second).toContain('href="/ada/app/compare/main...zz"');
  expect(second).not.toContain('rel="next"');
  const found = (await api('/ada/app/refs?q=B/')) as unknown as RefsJson;
  expect(found.refs.map(({ name }) => name)).toEqual(['b/c', 'b/d']);
  expect((await ask('/ada/app/refs?q=%3Cb%3Enone')).text).toContain('No name has “&lt;b&gt;none” in it');
  expect((await ask('/ada/app/refs?from=-1')).status).toBe(400);
  expect((await ask('/ada/app/refs?kind=notes')).status).toBe(400);
});

test('tags are in the order of their numbers, and one that names no commit says so', async () => {
  const { ask, api, text } = await stageFiles(await open(), { 'a.txt': '1\n' });
  const head = await text('rev-parse', 'refs/heads/main');
  for (const name of ['v1.9', 'v1.10', 'v2.0-rc.1']) await text('tag', '-a', '-m', 'x', name, head);
  await text('tag', 'blob', `${head}:a.txt`);
  await text('tag', 'main', head);
  await text('update-ref', 'refs/pika/heads/1/1', head);
  const { refs } = (await api('/ada/app/refs?kind=tags')) as unknown as RefsJson;
  expect(refs.map(({ name, commit }) => [name, commit?.oid])).toEqual([
    ['v2.0-rc.1', head],
    ['v1.10', head],
    ['v1.9', head],
    ['main', head],
    ['blob', undefined],
  ]);
  const page = (await ask('/ada/app/refs?kind=tags')).text;
  expect(page).toContain('leads to no commit');
  // A tag that is called like a branch leads to itself.
  expect(page).toContain('href="/ada/app/tree/refs/tags/main"');
  expect(page).not.toContain('refs/pika');
  expect((await ask('/ada/app/tree/blob')).status).toBe(404);
  expect((await ask('/ada/app/archive/refs/tags/v1.10.zip')).status).toBe(200);
});

test('another ref is chosen for the path that is being read, whatever its bytes', async () => {
  const { ask, text, commitTree, write } = await stageFiles(await open(), { 'a.txt': '1\n' });
  await commitTree('main', [{ mode: '100644', name: Buffer.from([0x62, 0xff]), oid: await write('b\n') }]);
  await text('tag', 'v1', 'refs/heads/main');
  const page = (await ask('/ada/app/blob/main/b%FF')).text;
  const href =
    /href="([^"]*)" aria-label="branch main: choose another"/.exec(page)?.[1]?.replaceAll('&amp;', '&') ?? '';
  const refs = (await ask(href)).text;
  expect(refs).toContain('<code>b&#92;xFF</code>');
  const tags = /href="(\?kind=tags[^"]*)"/.exec(refs)?.[1]?.replaceAll('&amp;', '&') ?? '';
  const chosen = (await ask(`/ada/app/refs${tags}`)).text;
  expect(chosen).toContain('href="/ada/app/tree/refs/tags/v1/b%FF"');
  expect((await ask('/ada/app/tree/refs/tags/v1/b%FF')).headers['location']).toBe(
    '/ada/app/blob/refs/tags/v1/b%FF',
  );
  expect((await ask('/ada/app/refs?path=%25zz')).status).toBe(200);
});
