// The page of one commit, over real HTTP.
import { afterAll, expect, test } from 'vitest';
import { closeRenderPool } from '../../src/web/render-pool.ts';
import { useForge } from '../support/forge.ts';
import { stageHistory } from './stage-history.ts';

const open = useForge();
afterAll(closeRenderPool);
const stage = async (settings: Record<string, unknown> = {}) => stageHistory(await open({ settings }));

/** Names of the files whose difference a page shows. */
const files = (html: string): string[] =>
  [...html.matchAll(/<span class="path">(?:[^<]*)<b>([^<]*)<\/b>/g)].map(([, name = '']) => name);

test('a commit says who, what and why, and shows what it changed', async () => {
  const { commit, ask, json } = await stage();
  const root = await commit({ files: { a: 'one\n' }, message: 'Begin\n' });
  const oid = await commit({
    files: { a: 'two\n', b: 'new\n' },
    parents: [root],
    message: 'Say two\n\nBecause <one> was\n  not enough.\n',
    headers: 'gpgsig -----BEGIN PGP SIGNATURE-----\n x\n -----END PGP SIGNATURE-----\n',
  });
  const { status, text } = await ask(`/ada/app/commit/${oid}`);
  expect(status).toBe(200);
  expect(text).toContain('<h1>Say two</h1>');
  expect(text).toContain('<pre class="commit-body">Because &lt;one&gt; was\n  not enough.</pre>');
  expect(text).toContain(`href="/ada/app/commit/${root}"`);
  expect(text).toContain('OpenPGP signature, not verified');
  expect(files(text)).toEqual(['a', 'b']);
  expect(text).toContain(`href="/ada/app/blob/${oid}/a" aria-label="The whole file a"`);
  const told = await json(`commit/${oid}`);
  expect(told).toMatchObject({
    oid,
    parents: [root],
    parent: root,
    signature: 'OpenPGP',
    body: 'Because <one> was\n  not enough.',
    author: { name: 'Ada Example', email: 'ada@example.org', zone: '+0100' },
    truncated: false,
  });
  expect(
    told.files.map(({ newPath, added, removed }: Record<string, unknown>) => [newPath, added, removed]),
  ).toEqual([
    ['a', 1, 1],
    ['b', 1, 0],
  ]);
  expect(files((await ask(`/ada/app/commit/${root}`)).text)).toEqual(['a']);
  expect((await ask(`/ada/app/commit/${root}`)).text).toContain('the first commit of a history');
});

test('a merge is shown beside each of its parents', async () => {
  const { commit, ask } = await stage();
  const root = await commit({ files: { a: '1\n' } });
  const left = await commit({ files: { a: '1\n', left: 'l\n' }, parents: [root], branch: 'left' });
  const right = await commit({ files: { a: '1\n', right: 'r\n' }, parents: [root], branch: 'right' });
  const both = { a: '1\n', left: 'l\n', right: 'r\n' };
  const oid = await commit({ files: both, parents: [left, right], message: 'Merge\n' });
  expect(files((await ask(`/ada/app/commit/${oid}`)).text)).toEqual(['right']);
  expect(files((await ask(`/ada/app/commit/${oid}?parent=2`)).text)).toEqual(['left']);
  expect((await ask(`/ada/app/commit/${oid}?parent=3`)).status).toBe(404);
  expect((await ask(`/ada/app/commit/${oid}?parent=0`)).status).toBe(400);
  expect((await ask(`/ada/app/commit/${root}?parent=2`)).status).toBe(404);
  const same = await commit({ files: both, parents: [oid, left], message: 'Nothing\n' });
  expect((await ask(`/ada/app/commit/${same}`)).text).toContain('changes no file beside that parent');
});

test('P2, D4: links, submodules, binary and huge files and names of any bytes are shown for what they are', async () => {
  const { commit, ask } = await stage({ limits: { maxDiffBytes: 100_000 } });
  const root = await commit({ files: { keep: '1\n' } });
  const oid = await commit({
    files: {
      keep: '1\n',
      binary: Buffer.from([0, 1, 2, 255]),
      link: { link: '../../etc/passwd' },
      module: { submodule: 'c'.repeat(40) },
      'n\xff\n"': 'odd\n',
      'sp ace?': 'x\n',
      empty: '',
      huge: 'a long line of text\n'.repeat(60_000),
    },
    parents: [root],
  });
  const { status, text } = await ask(`/ada/app/commit/${oid}`);
  expect(status).toBe(200);
  expect(text).toContain('Binary: nothing → 4 B.');
  expect(text).toContain('../../etc/passwd');
  expect(text).toContain('A submodule: only its commit changes here.');
  expect(text).toContain('⟨U+000A⟩');
  // Only what can be told in an address is: not a module of elsewhere, nor a name that is no text.
  const whole = [...text.matchAll(/href="\/ada\/app\/blob\/[0-9a-f]{40}\/([^"]*)"/g)].map(([, path]) => path);
  expect(whole.toSorted()).toEqual(['binary', 'empty', 'huge', 'link', 'sp%20ace%3F']);
  expect(text).toContain('An empty file.');
  expect(text).toContain('too large to show');
});

test('many files come in parts, with a page for each part where no script runs', async () => {
  const { commit, ask } = await stage();
  const names = Array.from({ length: 45 }, (_, index) => `f${String(index).padStart(2, '0')}`);
  const oid = await commit({ files: Object.fromEntries(names.map((name) => [name, `${name}\n`])) });
  const { text } = await ask(`/ada/app/commit/${oid}`);
  expect(files(text)).toHaveLength(8);
  const more = /data-more="([^"]*from=[^"]*)"/.exec(text)?.[1]?.replaceAll('&amp;', '&') ?? '';
  const part = await ask(more);
  expect(files(part.text)).toEqual(names.slice(8, 18));
  expect(part.text).not.toContain('<!doctype html>');
  expect(files((await ask(`/ada/app/commit/${oid}?from=38`)).text)).toEqual(names.slice(38));
  const page = await ask(more, { 'sec-fetch-mode': 'navigate' });
  expect(page.text).toContain('<!doctype html>');
  expect(page.headers['vary']).toContain('Sec-Fetch-Mode');
});

test('a page does not wait for colours that take long; they follow', async () => {
  const { commit, ask } = await stage();
  const oid = await commit({ files: { 'a.ts': 'const a = `${1}` + /x/.exec("y");\n' } });
  // A thread that has to be started first takes longer than a page waits.
  await closeRenderPool();
  const first = (await ask(`/ada/app/commit/${oid}`)).text;
  const again = /data-fill="([^"]*)"/.exec(first)?.[1]?.replaceAll('&amp;', '&') ?? '';
  expect(first).not.toContain('hljs-keyword');
  const part = async () => (await ask(again)).text;
  await expect.poll(part, { timeout: 20_000 }).toContain('hljs-keyword');
  expect(files(await part())).toEqual(['a.ts']);
  expect(await part()).not.toContain('<!doctype html>');
  const coloured = (await ask(`/ada/app/commit/${oid}`)).text;
  expect(coloured).toContain('hljs-keyword');
  expect(coloured).not.toContain('data-fill');
});

test('branches and tags that contain a commit are found on demand', async () => {
  const { git, folder, commit, ask, json } = await stage();
  const root = await commit({ files: { a: '1\n' } });
  const head = await commit({ files: { a: '2\n' }, parents: [root] });
  await commit({ files: { a: '3\n' }, parents: [head], branch: 'topic/a' });
  await git.run(['update-ref', 'refs/heads/old', root], { repo: folder });
  await git.run(['update-ref', 'refs/tags/v1', head], { repo: folder });
  await git.run(['update-ref', 'refs/pika/heads/1/1', head], { repo: folder });
  expect(await json(`commit/${head}/refs`)).toEqual({
    contained: { branches: ['main', 'topic/a'], tags: ['v1'], hasMore: false },
  });
  const fragment = (await ask(`/ada/app/commit/${head}/refs`)).text;
  expect(fragment).toContain('href="/ada/app/commits/refs/heads/topic/a"');
  expect(fragment).toContain('href="/ada/app/commits/refs/tags/v1"');
  expect(fragment).not.toContain('old');
  const lonely = await commit({ files: { a: '4\n' }, branch: 'gone' });
  await git.run(['update-ref', '-d', 'refs/heads/gone'], { repo: folder });
  expect((await ask(`/ada/app/commit/${lonely}/refs`)).text).toContain(
    'No branch or tag contains it any more',
  );
  for (let number = 0; number < 120; number += 1) {
    await git.run(['update-ref', `refs/heads/many/${number}`, head], { repo: folder });
  }
  const many = (await json(`commit/${head}/refs`)).contained;
  expect([many.branches.length, many.hasMore]).toEqual([100, true]);
});

test('the first digits lead to the only commit they can mean, never to a ref of that name', async () => {
  const { git, folder, commit, ask } = await stage();
  const root = await commit({ files: { a: '1\n' } });
  const head = await commit({ files: { a: '2\n' }, parents: [root] });
  const digits = head.slice(0, 9);
  await git.run(['update-ref', `refs/heads/${digits}`, root], { repo: folder });
  await git.run(['update-ref', `refs/tags/${digits}`, root], { repo: folder });
  const answer = await ask(`/ada/app/commit/${digits}`);
  expect([answer.status, answer.headers['location']]).toEqual([302, `/ada/app/commit/${head}`]);
  const tree = await git.text(['rev-parse', `${head}^{tree}`], { repo: folder });
  for (const bad of [
    tree,
    tree.slice(0, 12),
    'main',
    'HEAD',
    head.slice(0, 6),
    '0000000',
    `${head}0`,
    `${head}%5E`,
  ]) {
    expect((await ask(`/ada/app/commit/${bad}`)).status, bad).toBe(404);
  }
});
