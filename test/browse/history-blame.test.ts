// The page that says of every line where it comes from, over real HTTP.
import { afterAll, expect, test } from 'vitest';
import { withGaps } from '../../src/browse/blame.ts';
import { encodePath } from '../../src/git/git-path.ts';
import { closeRenderPool } from '../../src/web/render-pool.ts';
import { useForge } from '../support/forge.ts';
import { rawName } from '../support/raw-commit.ts';
import { linkTo, stageHistory } from './stage-history.ts';

const open = useForge();
afterAll(closeRenderPool);
const stage = async (settings: Record<string, unknown> = {}) => stageHistory(await open({ settings }));

/** Number of the first line → subject, for each group of lines. */
const groups = (html: string): [number, string][] =>
  [
    ...html.matchAll(
      /<tr id="L(\d+)" class="span-start"><td[^>]*><div><a class="blame-subject"[^>]*>([^<]*)</g,
    ),
  ].map(([, line, subject = '']) => [Number(line), subject]);
const lines = (html: string): number => html.match(/<tr id="L/g)?.length ?? 0;

test('lines stand beside their commits, with a way to what was there before', async () => {
  const { commit, ask, json } = await stage();
  const rest = 'let c;\nlet d;\nlet e;\nlet f;\n';
  const name = rawName(Buffer.from('x\xff "\n.ts', 'latin1'));
  const root = await commit({
    files: { 'old.ts': `const a = 1;\nconst b = 2;\n${rest}` },
    message: 'Root\n',
    at: 1,
  });
  const head = await commit({
    files: { [name]: `const a = 1;\nconst b = "<b>";\n${rest}` },
    parents: [root],
    message: 'Rename & change\n',
  });
  const { status, text } = await ask(`/ada/app/blame/main/${encodePath(name)}`);
  expect(status).toBe(200);
  expect(groups(text)).toEqual([
    [1, 'Root'],
    [2, 'Rename &amp; change'],
    [3, 'Root'],
  ]);
  expect(text).toContain(`href="/ada/app/commit/${head}"`);
  expect(text).toContain(`href="/ada/app/blame/${root}/old.ts#L2"`);
  const alone = (await ask(`/ada/app/blame/main/${encodePath(name)}?part=lines`)).text;
  expect(alone).toContain('<span class="hljs-keyword">const</span>');
  expect(alone).not.toContain('<!doctype html>');
  expect(text).toContain('&lt;b&gt;');
  expect(groups((await ask(`/ada/app/blame/${root}/old.ts`)).text)).toEqual([[1, 'Root']]);
  const told = await json(`blame/main/${encodePath(name)}`);
  expect(told).toMatchObject({ commit: head, from: 1, to: 6, lineCount: 6, timedOut: false });
  expect(told.commits.find(({ oid }: { oid: string }) => oid === head)).toMatchObject({
    subject: 'Rename & change',
    path: 'x%FF%20%22%0A.ts',
    previous: { commit: root, path: 'old.ts' },
  });
});

test('a long file comes in parts; each line of it is there once', async () => {
  const { commit, ask } = await stage();
  const text = Array.from({ length: 4500 }, (_, index) => `${index}\n`).join('');
  await commit({ files: { long: text }, message: 'Long\n' });
  const first = (await ask('/ada/app/blame/main/long')).text;
  expect(lines(first)).toBe(2000);
  expect(groups(first)).toEqual([[1, 'Long']]);
  expect(first).toContain('2500 more lines');
  const more = linkTo(first, 'Show more');
  const second = (await ask(more)).text;
  expect(second).not.toContain('<!doctype html>');
  expect(groups(second)).toEqual([[2001, 'Long']]);
  expect((await ask(more, { 'sec-fetch-mode': 'navigate' })).text).toContain('<!doctype html>');
  const third = (await ask(linkTo(second, 'Show more'))).text;
  expect([lines(third), linkTo(third, 'Show more')]).toEqual([500, '']);
  expect((await ask('/ada/app/blame/main/long?from=4501')).status).toBe(404);
  expect((await ask('/ada/app/blame/main/long?from=0')).status).toBe(400);
});

test('what has no lines says why', async () => {
  const { commit, ask, json } = await stage({ limits: { maxBlameBytes: 1000 } });
  await commit({
    files: {
      binary: Buffer.from([1, 0, 2]),
      empty: '',
      large: 'x'.repeat(1001),
      link: { link: 'elsewhere' },
      module: { submodule: 'd'.repeat(40) },
      newline: '\n',
      crlf: 'a\r\nb\r\n',
      open: 'no newline at the end',
      wide: `${'w'.repeat(900)}\n`,
      invalid: Buffer.from('caf\xe9\n', 'latin1'),
    },
  });
  const reasons = { binary: 'binary', empty: 'empty', large: 'too large', module: 'submodule' };
  for (const [path, reason] of Object.entries(reasons)) {
    expect((await ask(`/ada/app/blame/main/${path}`)).text, path).toContain(reason);
    expect((await json(`blame/main/${path}`)).reason, path).toContain(reason);
  }
  for (const [path, count] of Object.entries({
    newline: 1,
    crlf: 2,
    open: 1,
    link: 1,
    wide: 1,
    invalid: 1,
  })) {
    expect(lines((await ask(`/ada/app/blame/main/${path}`)).text), path).toBe(count);
  }
  expect((await ask('/ada/app/blame/main/nothing')).status).toBe(404);
  expect((await ask('/ada/app/blame/main/link/x')).status).toBe(404);
  expect((await ask('/ada/app/blame/main')).headers['location']).toBe('/ada/app/tree/main');
});

test('commits that the repository asks to pass over are, unless the reader asks for them', async () => {
  const { git, folder, commit, ask } = await stage();
  const code = { code: 'a = 1\nb = 2\n' };
  const root = await commit({ files: code, message: 'Wrote\n' });
  const formatted = { code: 'a  =  1\nb  =  2\n' };
  const format = await commit({ files: formatted, parents: [root], message: 'Formatted\n' });
  const tree = await git.text(['rev-parse', `${root}^{tree}`], { repo: folder });
  const list = `# these\n${tree}\n${format} # by a program\nHEAD\n--all\n${'e'.repeat(40)}\n${format.slice(0, 12)}\n`;
  await commit({
    files: { ...formatted, '.git-blame-ignore-revs': list },
    parents: [format],
    message: 'List\n',
  });
  const page = (await ask('/ada/app/blame/main/code')).text;
  expect(groups(page)).toEqual([[1, 'Wrote']]);
  expect(page).toContain('1 commit passed over');
  const all = (await ask(linkTo(page, 'Count it'))).text;
  expect(groups(all)).toEqual([[1, 'Formatted']]);
  expect(groups((await ask(linkTo(all, 'Follow it'))).text)).toEqual([[1, 'Wrote']]);
});

test('every line is told of once, whatever git told in the time it had', () => {
  const [a, b] = ['a'.repeat(40), 'b'.repeat(40)];
  const span = (oid: string, line: number, count: number) => ({
    oid,
    line,
    originalLine: line,
    lines: count,
  });
  const shown = (told: ReturnType<typeof span>[]) =>
    withGaps(told, { from: 11, to: 20 }).map(({ oid, line, lines: count }) => [oid.slice(0, 1), line, count]);
  expect(shown([])).toEqual([['', 11, 10]]);
  expect(shown([span(a, 13, 2), span(a, 15, 1), span(b, 18, 3)])).toEqual([
    ['', 11, 2],
    ['a', 13, 3],
    ['', 16, 2],
    ['b', 18, 3],
  ]);
  expect(shown([span(a, 5, 10), span(a, 11, 4), span(b, 12, 3), span(b, 15, 9)])).toEqual([
    ['a', 11, 4],
    ['', 15, 6],
  ]);
});
