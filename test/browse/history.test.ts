// What the pages of history say, over real HTTP.
import { renameSync } from 'node:fs';
import { expect, test } from 'vitest';
import { encodePath } from '../../src/git/git-path.ts';
import { closeReaders } from '../../src/git/object-reader.ts';
import { useForge } from '../support/forge.ts';
import { rawName } from '../support/raw-commit.ts';
import { linkTo, stageHistory, subjects } from './stage-history.ts';

const open = useForge();

const stage = async (settings: Record<string, unknown> = {}) => stageHistory(await open({ settings }));

test('a history goes back page by page from one commit, whatever is pushed meanwhile', async () => {
  const { commit, ask, json } = await stage({ limits: { maxRowsPerPage: 2 } });
  let head = '';
  for (let number = 1; number <= 5; number += 1) {
    const parents = head === '' ? [] : [head];
    head = await commit({ files: { a: `${number}\n` }, parents, message: `No ${number}\n`, at: number });
  }
  const first = (await ask('/ada/app/commits')).text;
  expect(subjects(first)).toEqual(['No 5', 'No 4']);
  await commit({ files: { a: '6\n' }, parents: [head], message: 'No 6\n', at: 6 });
  const second = (await ask(linkTo(first, 'Older'))).text;
  expect(subjects(second)).toEqual(['No 3', 'No 2']);
  const third = (await ask(linkTo(second, 'Older'))).text;
  expect(subjects(third)).toEqual(['No 1']);
  expect(linkTo(third, 'Older')).toBe('');
  expect(subjects((await ask(linkTo(third, 'Newest'))).text)).toEqual(['No 6', 'No 5']);
  const page = await json('commits?limit=4');
  expect(page.commits.map(({ subject }: { subject: string }) => subject)).toEqual([
    'No 6',
    'No 5',
    'No 4',
    'No 3',
  ]);
  expect(page.next).toMatchObject({ skip: 4, path: '' });
  expect(page.commits[0].committedAt).toBe('1970-01-01T00:00:06.000Z');
});

test('a file is followed to its older names on demand, also from page to page', async () => {
  const { commit, ask, json } = await stage({ limits: { maxRowsPerPage: 2 } });
  const text = 'one\ntwo\nthree\nfour\n';
  const odd = rawName(Buffer.from([0x61, 0xff, 0x0a]));
  const root = await commit({ files: { first: text }, message: 'Born\n', at: 1 });
  const grown = await commit({ files: { first: `${text}5\n` }, parents: [root], message: 'Grown\n', at: 2 });
  const moved = await commit({ files: { [odd]: `${text}5\n` }, parents: [grown], message: 'Moved\n', at: 3 });
  await commit({ files: { [odd]: `${text}6\n` }, parents: [moved], message: 'Changed\n', at: 4 });
  const here = `/ada/app/commits/main/${encodePath(odd)}`;
  const plain = (await ask(here)).text;
  expect(subjects(plain)).toEqual(['Changed', 'Moved']);
  expect(plain).toContain('<span class="ref">first</span>');
  expect(subjects((await ask(linkTo(plain, 'Its history under that name'))).text)).toEqual(['Grown', 'Born']);
  const followed = (await ask(linkTo(plain, 'Follow renames'))).text;
  expect(subjects(followed)).toEqual(['Changed', 'Moved']);
  const older = linkTo(followed, 'Older');
  expect(older).toContain(`/commits/${grown}/first?`);
  expect(subjects((await ask(older)).text)).toEqual(['Grown', 'Born']);
  const all = await json(`commits/main/${encodePath(odd)}?follow=1&limit=50`);
  expect(all.commits.map(({ path }: { path: string }) => path)).toEqual([
    'a%FF%0A',
    'a%FF%0A',
    'first',
    'first',
  ]);
  expect(all.next).toBeNull();
});

test('what was deleted still has a history; what never was has none', async () => {
  const { commit, ask } = await stage();
  const root = await commit({ files: { a: '1\n', gone: '1\n' }, message: 'Both\n' });
  await commit({ files: { a: '1\n' }, parents: [root], message: 'One less\n' });
  const { status, text } = await ask('/ada/app/commits/main/gone');
  expect(status).toBe(200);
  expect(subjects(text)).toEqual(['One less', 'Both']);
  expect(text).toContain('no longer there');
  const never = await ask('/ada/app/commits/main/never/was');
  expect(never.status).toBe(404);
  expect(never.text).toContain('ever had never/was');
  for (const query of ['skip=-1', 'skip=x', 'at=main', 'at=abc', 'follow=2', 'skip=99999999999']) {
    expect((await ask(`/ada/app/commits/main?${query}`)).status, query).toBe(400);
  }
  expect((await ask(`/ada/app/commits/main?at=${'f'.repeat(40)}`)).status).toBe(404);
});

test('what people wrote is text, and their clocks may be anywhere', async () => {
  const { commit, ask } = await stage();
  const evil = '<img src=x onerror=alert(1)>';
  let head = await commit({
    files: { a: `${evil}\n` },
    author: `"${evil.replaceAll(/[<>]/g, '"')}\u202E <ada@x>`,
    message: `${evil}\u202Eabc\n`,
    at: 9_999_999_999_999,
  });
  head = await commit({
    files: { a: `${evil}\n`, b: '' },
    parents: [head],
    message: '',
    at: -9_999_999_999_999,
  });
  for (const path of ['commits', `commit/${head}`, 'blame/main/a', `compare/${head}...main`]) {
    const { status, text } = await ask(`/ada/app/${path}`);
    expect(status, path).toBe(200);
    expect(text, path).not.toContain('<img');
    expect(text, path).not.toContain('\u202E');
  }
  const { text } = await ask('/ada/app/commits');
  expect(subjects(text)).toContain('(no message)');
  expect(text).toContain('⟨U+202E⟩');
  expect(text).toContain('+275760-09-13');
});

test('an empty repository leads to its first push, and nobody learns of a private one', async () => {
  const { it, ask, served } = await stage();
  const nobody = served.as();
  const other = served.as(it.account('bob').account);
  for (const path of ['commits', 'blame/main/a', 'compare', 'compare/a...b', `commit/${'a'.repeat(40)}`]) {
    expect((await nobody(`/ada/app/${path}`)).status, path).toBe(401);
    expect((await other(`/ada/app/${path}`)).status, path).toBe(404);
    expect((await other(`/api/v1/repos/ada/app/${path}`)).status, path).toBe(404);
  }
  for (const path of ['commits', 'blame']) {
    const answer = await ask(`/ada/app/${path}`);
    expect([answer.status, answer.headers['location']]).toEqual([302, '/ada/app']);
  }
  expect((await ask('/ada/app/compare')).status).toBe(200);
  expect((await ask('/ada/app/compare/main...main')).status).toBe(404);
  expect((await ask('/api/v1/repos/ada/app/commits')).status).toBe(404);
});

test('a reader who has the page is told so until something in it changes', async () => {
  const { it, folder, commit, ask, served } = await stage();
  const head = await commit({ files: { a: '1\n' } });
  await it.repo('ada/open', { visibility: 'public', files: { a: '1\n' } });
  for (const path of ['commits', `commit/${head}`, 'blame/main/a', `compare/${head}..main`]) {
    const first = await ask(`/ada/app/${path}`);
    const etag = String(first.headers['etag']);
    // Made of what the page follows from, and not of the page, which would have to be made for that.
    expect(first.headers['cache-control'], path).toBe('private, no-cache');
    expect((await ask(`/ada/app/${path}`, { 'if-none-match': etag })).status, path).toBe(304);
    expect((await served.as()(`/ada/app/${path}`, { 'if-none-match': etag })).status, path).toBe(401);
    expect(String((await ask(`/ada/open/${path}`)).headers['etag']), path).not.toBe(etag);
  }
  // Not even the objects are looked at for somebody who has the page.
  const etag = String((await ask(`/ada/app/commit/${head}`)).headers['etag']);
  renameSync(`${folder}/objects`, `${folder}/objects-elsewhere`);
  expect((await ask(`/ada/app/commit/${head}`, { 'if-none-match': etag })).status).toBe(304);
  renameSync(`${folder}/objects-elsewhere`, `${folder}/objects`);
  // What was not found is looked for again.
  const lost = `/ada/app/commit/${'a'.repeat(40)}`;
  const { status, headers } = await ask(lost);
  expect([status, headers['cache-control']]).toEqual([404, undefined]);
  expect((await ask(lost, { 'if-none-match': String(headers['etag']) })).status).toBe(404);
  const before = String((await ask('/ada/app/commits')).headers['etag']);
  await commit({ files: { a: '2\n' }, parents: [head] });
  expect((await ask('/ada/app/commits', { 'if-none-match': before })).status).toBe(200);
});

test('what git cannot read any more is called damaged, and the rest is shown', async () => {
  const { git, folder, commit, ask } = await stage();
  const root = await commit({ files: { a: '1\n' }, message: 'Root\n' });
  const middle = await commit({ files: { a: '2\n' }, parents: [root], message: 'Middle\n' });
  const head = await commit({ files: { a: '3\n' }, parents: [middle], message: 'Head\n' });
  await git.run(['update-ref', 'refs/heads/old', root], { repo: folder });
  const object = async (name: string) => {
    const oid = await git.text(['rev-parse', name], { repo: folder });
    return `${folder}/objects/${oid.slice(0, 2)}/${oid.slice(2)}`;
  };
  const damaged = 'missing or damaged';
  for (const [name, pages] of Object.entries({
    // Of blame git takes a commit without its parent for the first of all.
    [middle]: ['commits', 'commits/main/a', `commit/${head}`, 'compare/old...main'],
    [`${middle}^{tree}`]: ['commits/main/a', 'blame/main/a', `commit/${head}`, `commit/${middle}`],
    [`${middle}:a`]: ['blame/main/a', `commit/${head}`],
  })) {
    const file = await object(name);
    renameSync(file, `${file}.away`);
    closeReaders(git);
    for (const path of pages) {
      const { status, text } = await ask(`/ada/app/${path}`);
      expect([status, text.includes(damaged)], `${name} ${path}`).toEqual([503, true]);
    }
    expect((await ask('/ada/app/commits/old')).status).toBe(200);
    renameSync(`${file}.away`, file);
    closeReaders(git);
  }
  expect((await ask('/ada/app/blame/main/a')).status).toBe(200);
});
