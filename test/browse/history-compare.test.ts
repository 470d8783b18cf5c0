// Two points of a history side by side, over real HTTP.
import { expect, test } from 'vitest';
import { parseSpec } from '../../src/browse/compare.ts';
import { useForge } from '../support/forge.ts';
import { linkTo, stageHistory, subjects } from './stage-history.ts';

const open = useForge();

async function stage() {
  const staged = await stageHistory(await open());
  const { commit, git, folder } = staged;
  const root = await commit({ files: { a: '1\n' }, message: 'Root\n', at: 1 });
  const main = await commit({ files: { a: '1\n', m: 'm\n' }, parents: [root], message: 'On main\n', at: 2 });
  const topic = await commit({
    files: { a: '1\n', t: 't\n' },
    parents: [root],
    message: 'On topic\n',
    branch: 'topic/x',
    at: 3,
  });
  const alone = await commit({ files: { z: 'z\n' }, message: 'Alone\n', branch: 'alone', at: 4 });
  await git.run(['update-ref', 'refs/tags/v1', root], { repo: folder });
  return { ...staged, root, main, topic, alone };
}

const names = ({ files }: { files: { newPath: string; status: string }[] }) =>
  files.map(({ newPath, status }) => `${status} ${newPath}`);

test('three dots count from where both parted, two dots from one to the other', async () => {
  const { ask, json, root, main, topic } = await stage();
  const three = await json('compare/main...topic/x');
  expect(three).toMatchObject({ base: main, head: topic, mergeBase: root, from: root, hasMore: false });
  expect(names(three)).toEqual(['added t']);
  expect(three.commits.map(({ oid }: { oid: string }) => oid)).toEqual([topic]);
  const two = await json('compare/main..topic/x');
  expect(two).toMatchObject({ mergeBase: root, from: main });
  expect(names(two).toSorted()).toEqual(['deleted m', 'added t'].toSorted());
  const page = (await ask('/ada/app/compare/main...topic/x')).text;
  expect(subjects(page)).toEqual(['On topic']);
  expect(page).toContain('1 commit<');
  expect(linkTo(page, 'show the direct difference')).toBe('/ada/app/compare/main..topic/x');
  expect(linkTo(page, 'Swap')).toBe('/ada/app/compare/topic/x...main');
});

test('one name is laid beside the default branch; names may be spelled out, tags and object ids too', async () => {
  const { json, main, root, topic } = await stage();
  expect(await json('compare/topic/x')).toMatchObject({ base: main, head: topic, dots: '...' });
  expect(await json('compare/...topic/x')).toMatchObject({ base: main, head: topic });
  expect(await json(`compare/refs/tags/v1..${topic}`)).toMatchObject({ base: root, head: topic });
  expect(await json('compare/refs/heads/main...topic%2Fx')).toMatchObject({ base: main, head: topic });
});

test('what has nothing in common, or nothing new, is said in words', async () => {
  const { ask, json } = await stage();
  const unrelated = await json('compare/main...alone');
  expect(unrelated.mergeBase).toBeNull();
  expect(names(unrelated).toSorted()).toEqual(['added z', 'deleted a', 'deleted m']);
  expect((await ask('/ada/app/compare/main...alone')).text).toContain('share no commit');
  const contained = (await ask('/ada/app/compare/main...v1')).text;
  expect(contained).toContain('main has every commit of v1, so there is nothing new in it');
  expect((await ask('/ada/app/compare/main...main')).text).toContain('Both are the same commit');
});

test('the form leads to the address of the comparison', async () => {
  const { ask } = await stage();
  const form = (await ask('/ada/app/compare')).text;
  expect(form).toContain('<option value="topic/x">');
  expect(form).toContain('<option value="v1">');
  const answer = await ask('/ada/app/compare?base=main&dots=..&head=topic/x%20%3F');
  expect([answer.status, answer.headers['location']]).toEqual([303, '/ada/app/compare/main..topic/x%20%3F']);
  const toSelf = await ask('/ada/app/compare?base=//evil.example/&head=x');
  expect(toSelf.headers['location']).toBe('/ada/app/compare///evil.example/...x');
  expect((await ask('/ada/app/compare?base=a&dots=x&head=b')).status).toBe(400);
});

test('A1: what does not exist, or means more than a name, is refused', async () => {
  const { ask } = await stage();
  for (const spec of [
    'main...nothing',
    'main...main/a',
    'main...main~1',
    'main....topic/x',
    'main...--output=x',
    'main...topic/x...alone',
    'refs/pika/heads/1/1...main',
    '%00...main',
    '%zz...main',
    '..',
  ]) {
    const expected = spec === '..' ? 200 : 404;
    expect((await ask(`/ada/app/compare/${spec}`)).status, spec).toBe(expected);
  }
});

test('an address is cut at its first dots', () => {
  expect(parseSpec('a...b')).toEqual({ base: 'a', dots: '...', head: 'b' });
  expect(parseSpec('a..b')).toEqual({ base: 'a', dots: '..', head: 'b' });
  expect(parseSpec('a.b...c.d')).toEqual({ base: 'a.b', dots: '...', head: 'c.d' });
  expect(parseSpec('a.b')).toBeUndefined();
  expect(parseSpec('.'.repeat(1_000_000))).toMatchObject({ base: '' });
});
