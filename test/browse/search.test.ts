// Search in names and in content: exact for every text, bounded for every other.
import { expect, test } from 'vitest';
import { useForge } from '../support/forge.ts';
import { stageFiles } from './stage-repo.ts';

const open = useForge();

interface FoundJson {
  end: string;
  files: { name: string; path: string; lines: { number: number; text: string }[] }[];
}

const search = (q: string, rest = '') => `/ada/app/search/main?q=${encodeURIComponent(q)}${rest}`;

test('A1: a text is looked for as it stands, whatever it means to git or to a shell', async () => {
  const texts = [
    '-e evil',
    '--open-files-in-pager=x',
    'a.*b',
    '$(id)',
    "it's",
    '\\d+',
    '<b>&amp;',
    'é',
    ':(top)',
    '%s',
    ' two  blanks ',
  ];
  const { api, ask } = await stageFiles(await open(), { 'texts.txt': `${texts.join('\n')}\naXXb 12\n` });
  for (const [index, text] of texts.entries()) {
    const { files } = (await api(search(text))) as unknown as FoundJson;
    expect(
      files.map(({ lines }) => lines.map(({ number }) => number)),
      text,
    ).toEqual([[index + 1]]);
  }
  const { text } = await ask(search('<b>&amp;'));
  expect(text).toContain('<mark>&lt;b&gt;&amp;amp;</mark>');
  expect(text).toContain('href="/ada/app/blob/main/texts.txt#L7"');
  expect(text).toContain('value="&lt;b&gt;&amp;amp;"');
});

test('letters match in either case unless that is asked for, and only in the folder of the address', async () => {
  const { api } = await stageFiles(await open(), {
    'a/x.txt': 'Hello\n',
    'b/x.txt': 'hello\n',
    '*/x.txt': 'hello\n',
  });
  const names = async (path: string) =>
    ((await api(path)) as unknown as FoundJson).files.map(({ name }) => name);
  expect(await names(search('hello'))).toEqual(['*/x.txt', 'a/x.txt', 'b/x.txt']);
  expect(await names(search('hello', '&case=1'))).toEqual(['*/x.txt', 'b/x.txt']);
  // A folder called * is that folder, and no pattern.
  expect(await names('/ada/app/search/main/*?q=hello')).toEqual(['*/x.txt']);
  expect(await names('/ada/app/search/main/a?q=hello')).toEqual(['a/x.txt']);
});

test('D3: a regular expression matches, and one that is wrong or endless is refused in words', async () => {
  const it = await open();
  const { api, ask } = await stageFiles(it, { 'a.txt': `one 12\ntwo\n${'a'.repeat(5000)}!\n` });
  const { files } = (await api(search('^o\\w+ \\d+$', '&regex=1'))) as unknown as FoundJson;
  expect(files[0]?.lines).toEqual([{ number: 1, text: 'one 12' }]);
  const wrong = await ask(search('(foo', '&regex=1'));
  expect(wrong.status).toBe(400);
  expect(wrong.text).toContain('This regular expression is not understood');
  expect(wrong.text).toContain('value="(foo"');
  const before = Date.now();
  const endless = await ask(search('^(([a-z])+.)+[A-Z]([a-z])+$', '&regex=1'));
  expect(endless.text).toContain('it takes too long to match');
  const huge = await ask(search('((((a{999}){999}){999}){999})', '&regex=1'));
  expect(huge.status).toBe(400);
  expect(Date.now() - before).toBeLessThan(20_000);
});

test('what cannot be looked for is refused, and nothing is looked for without a text', async () => {
  const { ask } = await stageFiles(await open(), { 'a.txt': 'one\ntwo\n' });
  expect((await ask('/ada/app/search')).status).toBe(200);
  expect((await ask('/api/v1/repos/ada/app/search')).status).toBe(400);
  expect((await ask(search('one\ntwo'))).text).toContain('this has several');
  expect((await ask(search('x'.repeat(201)))).text).toContain('at most 200 characters');
  expect((await ask(search('x\0y'))).status).toBe(400);
});

test('D2: files, lines and time have limits, which the page names', async () => {
  const it = await open();
  const many = Object.fromEntries(
    Array.from({ length: 6 }, (_, index) => [`f${index}.txt`, 'hit\n'.repeat(5)]),
  );
  const { ask, api } = await stageFiles(it, many);
  const { limits } = it.forge.config;
  limits.maxSearchFiles = 4;
  limits.maxSearchLinesPerFile = 3;
  const found = (await api(search('hit'))) as unknown as FoundJson;
  expect(found).toMatchObject({ end: 'enough' });
  expect(found.files.map(({ lines }) => lines.length)).toEqual([3, 3, 3, 3]);
  const { text } = await ask(search('hit'));
  expect(text).toContain('More files have it than the 4 shown');
  expect(text).toContain('The first 3 lines of this file; there may be more.');
});

test('D4: names with any byte and files without text are right', async () => {
  const { api, commitTree, write } = await stageFiles(await open(), { 'a.txt': 'a\n' });
  const hit = await write('needle\n');
  await commitTree('main', [
    { mode: '100644', name: 'binary', oid: await write(Buffer.from('needle\0\n')) },
    { mode: '100644', name: 'dir: 1\n2', oid: hit },
    { mode: '120000', name: 'link', oid: await write('needle') },
    { mode: '100644', name: Buffer.from([0x78, 0xff]), oid: hit },
  ]);
  const { files } = (await api(search('needle'))) as unknown as FoundJson;
  expect(files.map(({ path }) => path)).toEqual(['dir%3A%201%0A2', 'x%FF']);
  const { files: named } = (await api(search('', '&in=names'))) as unknown as FoundJson;
  expect(named.map(({ path }) => path)).toEqual(['binary', 'dir%3A%201%0A2', 'link', 'x%FF']);
});

test('a file is found by letters of its name in their order, the best first', async () => {
  const { api, ask } = await stageFiles(await open(), {
    'src/server.ts': '1\n',
    'test/observer/tests.ts': '1\n',
    'docs/Server.md': '1\n',
    'src/s/e/r/v/e/r.txt': '1\n',
    'other.txt': '1\n',
  });
  const { files, matching } = (await api(search('server', '&in=names'))) as unknown as FoundJson & {
    matching: number;
  };
  expect(files.map(({ name }) => name)).toEqual([
    'src/server.ts',
    'docs/Server.md',
    'test/observer/tests.ts',
    'src/s/e/r/v/e/r.txt',
  ]);
  expect(matching).toBe(files.length);
  const part = (await ask(search('srvts', '&in=names&part=results'))).text;
  expect(part).toContain('href="/ada/app/blob/main/src/server.ts"');
  expect(part).not.toContain('<html');
});
