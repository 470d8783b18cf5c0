import { expect, test } from 'vitest';
import { parseBlame, readBlame } from '../../src/git/blame.ts';
import { useForge } from '../support/forge.ts';
import { outputOf } from '../support/run-program.ts';
import { rawCommit, rawName, type RawCommit } from '../support/raw-commit.ts';

const open = useForge();
const maxMs = 20_000;

async function stage() {
  const it = await open();
  it.account('ada');
  const repo = it.repoFolder(await it.repo('ada/app'));
  const { git } = it.forge;
  const commit = (raw: Omit<RawCommit, 'repo'>) => rawCommit(git, { repo, ...raw });
  return { git, repo, commit };
}

test('every line has its commit, the name of the file there, and where it was before', async () => {
  const { git, repo, commit } = await stage();
  const name = rawName(Buffer.from('q"\n\t\\\xff', 'latin1'));
  const root = await commit({ files: { [name]: 'a\nb\nc\n' }, message: 'Root\n', at: 10 });
  const second = await commit({ files: { [name]: 'a\nB\nc\n' }, parents: [root], message: 'Second "one"\n' });
  const head = await commit({ files: { plain: 'a\nB\nc\nd\n' }, parents: [second], message: 'Third\n' });
  const asked = { repo, commit: head, ignored: [], maxMs };
  const { spans, commits, timedOut } = await readBlame(git, {
    ...asked,
    path: rawName('plain'),
    from: 1,
    to: 4,
  });
  expect(timedOut).toBe(false);
  expect(spans.map(({ oid, line, lines }) => [oid, line, lines])).toEqual([
    [root, 1, 1],
    [second, 2, 1],
    [root, 3, 1],
    [head, 4, 1],
  ]);
  expect(commits.get(root)).toEqual({
    oid: root,
    authorName: 'Ada Example',
    authorEmail: 'ada@example.org',
    authoredAt: 10_000,
    subject: 'Root',
    path: name,
    previous: undefined,
  });
  expect(commits.get(second)).toMatchObject({ path: name, previous: { commit: root, path: name } });
  expect(commits.get(head)).toMatchObject({ path: 'plain', previous: { commit: second, path: name } });
  // The file whose name is no text can be asked for too, and a part of it.
  const part = await readBlame(git, { ...asked, commit: second, path: name, from: 2, to: 3 });
  expect(part.spans.map(({ oid, line }) => [oid, line])).toEqual([
    [second, 2],
    [root, 3],
  ]);
});

test('ignored commits are passed over', async () => {
  const { git, repo, commit } = await stage();
  const root = await commit({ files: { a: 'one = 1\ntwo = 2\n' } });
  const format = await commit({ files: { a: 'one  =  1\ntwo  =  2\n' }, parents: [root] });
  const asked = { repo, commit: format, path: rawName('a'), from: 1, to: 2, maxMs };
  const oids = async (ignored: string[]) =>
    new Set((await readBlame(git, { ...asked, ignored })).spans.map(({ oid }) => oid));
  expect(await oids([])).toEqual(new Set([format]));
  expect(await oids([format])).toEqual(new Set([root]));
});

test('at the limit of time the answer is what is known, and says so', async () => {
  const { git, repo, commit } = await stage();
  const head = await commit({ files: { a: '1\n' } });
  // Git waits for ever for what the pipe would say.
  await outputOf(['mkfifo', `${repo}/objects/info/alternates`], {
    cwd: repo,
    env: { PATH: process.env['PATH'] ?? '' },
  });
  const cut = await readBlame(git, {
    repo,
    commit: head,
    path: rawName('a'),
    from: 1,
    to: 1,
    ignored: [],
    maxMs: 300,
  });
  expect(cut).toMatchObject({ spans: [], timedOut: true });
});

test('the mail map of the default branch does not rename anybody', async () => {
  const { git, repo, commit } = await stage();
  const files = { '.mailmap': 'Eve <eve@example.org> <ada@example.org>\n' };
  const head = await commit({ files, branch: 'main' });
  const { commits } = await readBlame(git, {
    repo,
    commit: head,
    path: rawName('.mailmap'),
    from: 1,
    to: 1,
    ignored: [],
    maxMs,
  });
  expect(commits.get(head)).toMatchObject({ authorName: 'Ada Example', authorEmail: 'ada@example.org' });
});

test('an answer that was cut off, or says anything at all, is read as far as it goes', () => {
  const oid = 'a'.repeat(40);
  const whole = `${oid} 1 1 2\nauthor A\nauthor-time 5\nsummary ${oid} 1 1 1\nfilename f\n`;
  expect(parseBlame(Buffer.from(whole)).spans).toEqual([{ oid, originalLine: 1, line: 1, lines: 2 }]);
  expect(parseBlame(Buffer.from(whole)).commits.get(oid)?.subject).toBe(`${oid} 1 1 1`);
  for (let end = 0; end < whole.length - 1; end += 1) {
    const { spans } = parseBlame(Buffer.from(whole.slice(0, end)));
    expect(spans.length, whole.slice(0, end)).toBeLessThanOrEqual(
      whole.slice(0, end).includes('filename ') ? 1 : 0,
    );
  }
  for (const flood of ['\n', `${oid} 1 1 1\n`, 'filename "\\\n', `summary ${'x'.repeat(50)}\n`]) {
    parseBlame(Buffer.from(flood.repeat(100_000)));
  }
});
