import { afterAll, beforeAll, expect, test } from 'vitest';
import { getRevision } from '../../src/branches/find.ts';
import { closeBranch } from '../../src/landing/close.ts';
import { Slots } from '../../src/lib/slot.ts';
import { applySuggestions } from '../../src/reviews/apply-suggestions.ts';
import { editComment, startThread } from '../../src/reviews/comment.ts';
import { getThread, listComments } from '../../src/reviews/find.ts';
import { threadRequest, type Comment } from '../../src/reviews/model.ts';
import { replaceLines } from '../../src/reviews/replace-lines.ts';
import { digestOf } from '../../src/reviews/suggestion-digest.ts';
import { partsOf, suggestionsIn } from '../../src/reviews/suggestion-model.ts';
import { talkOf } from '../../src/reviews/talk-view.ts';
import { openTestForge, type TestForge } from '../support/forge.ts';
import { numbered, stageReview, type Person, type StagedReview } from './stage-review.ts';

let testForge: TestForge;
beforeAll(async () => {
  testForge = await openTestForge();
});
afterAll(() => testForge.dispose());

const fenced = (...lines: string[]): string => ['```suggestion', ...lines, '```'].join('\n');

const orderOf = (staged: StagedReview, by: Person) => ({
  repo: staged.repo,
  branch: staged.branch(),
  caller: by.caller,
});

async function suggest(staged: StagedReview, by: Person, request: object): Promise<Comment> {
  const order = orderOf(staged, by);
  const thread = await startThread(testForge.forge, { ...order, request: threadRequest.parse(request) });
  const where = { branch: order.branch, threads: [thread], viewerId: by.account.id };
  return listComments(testForge.forge, where)[0]!;
}

const apply = (staged: StagedReview, by: Person, comments: { comment: number; digest?: string }[]) =>
  applySuggestions(testForge.forge, {
    ...orderOf(staged, by),
    request: {
      suggestions: comments.map((each) => ({ number: 1, ...each })),
      head: staged.branch().headOid,
    },
  });

const fileOf = (staged: StagedReview, path: string): Promise<string> =>
  gitOf(staged, 'cat-file', 'blob', `${staged.branch().headOid}:${path}`);

async function gitOf(staged: StagedReview, ...args: string[]): Promise<string> {
  const { stdout } = await testForge.forge.git.run(args, { repo: testForge.repoFolder(staged.repo) });
  return stdout.toString('utf8');
}

test('only a closed fence that is a suggestion is one, and what stands in other code is text', () => {
  expect(suggestionsIn(`Hm.\n${fenced('a', '', ' b')}\nor\n~~~suggestion\n~~~`)).toEqual([
    ['a', '', ' b'],
    [],
  ]);
  expect(suggestionsIn('```suggestion\nnever closed')).toEqual([]);
  expect(suggestionsIn(`\`\`\`\`md\n${fenced('x')}\n\`\`\`\``)).toEqual([]);
  expect(suggestionsIn(`\`\`\`\`suggestion\n${fenced('x')}\n\`\`\`\``)).toEqual([
    ['```suggestion', 'x', '```'],
  ]);
  expect(partsOf(`See:\r\n${fenced('x')}\r\nDone`).map(({ kind }) => kind)).toEqual([
    'text',
    'suggestion',
    'text',
  ]);
});

test('lines are replaced byte by byte, with the ends of the lines that stood there', () => {
  const at = (content: string, firstLine: number, lastLine: number, ...lines: string[]) =>
    replaceLines(Buffer.from(content, 'latin1'), [{ firstLine, lastLine, lines }])?.toString('latin1');
  expect(at('a\r\nb\r\nc\r\n', 2, 2, 'x', 'y')).toBe('a\r\nx\r\ny\r\nc\r\n');
  expect(at('a\r\nb', 2, 2, 'x', 'y')).toBe('a\r\nx\r\ny');
  expect(at('\xff\nb\n\xfe\n', 2, 2, 'ä')).toBe('\xff\n\xc3\xa4\n\xfe\n');
  expect(at('a\nb\nc\n', 1, 2)).toBe('c\n');
  expect(at('a\n', 2, 2, 'x')).toBeUndefined();
  const twice = [1, 2].map((firstLine) => ({ firstLine, lastLine: 2, lines: ['x'] }));
  expect(replaceLines(Buffer.from('a\nb\n'), twice)).toBeUndefined();
});

test('several suggestions become one commit by who applies them, a new revision, and their threads are settled', async () => {
  const staged = await stageReview(testForge, {
    name: 'apply',
    files: { 'a.txt': '1\n' },
    change: {
      'deep/er/run.sh': `#!/bin/sh\n${numbered(6)}`,
      'deep/b.txt': numbered(5),
      'a.txt': numbered(40),
    },
  });
  const { reviewer, author } = staged;
  const path = 'deep/er/run.sh';
  const one = await suggest(staged, reviewer, { path, firstLine: 2, line: 3, body: fenced('only one') });
  const two = await suggest(staged, author, { path, line: 6, body: `Twice:\n${fenced('line 5', 'line 5')}` });
  const three = await suggest(staged, reviewer, { path: 'deep/b.txt', line: 1, body: fenced() });
  const long = await suggest(staged, author, { path: 'a.txt', firstLine: 1, line: 40, body: fenced('1') });
  const before = staged.branch();
  const revision = getRevision(testForge.forge, before.id, 1);
  const thread = getThread(testForge.forge, { branch: before, id: long.threadId, viewerId: 0 });
  const [shown] = await talkOf(testForge.forge, { ...orderOf(staged, author), revision }, [thread]);
  const [part] = shown!.comments[0]!.parts;
  // What is not shown of what it takes away is told.
  expect(part).toMatchObject({ kind: 'suggestion', left: 20, rows: { length: 21 } });
  const pushed = testForge.forge.events.next('branch-pushed');
  const moved = await apply(
    staged,
    author,
    [one, two, three].map(({ id }) => ({ comment: id })),
  );
  expect(await pushed).toMatchObject({ branchId: before.id, revision: 2 });
  expect(moved).toMatchObject({ revision: 2, state: 'open', title: before.title });
  expect(getRevision(testForge.forge, moved.id, 2).pushedById).toBe(author.account.id);
  expect(await fileOf(staged, path)).toBe('#!/bin/sh\nonly one\nline 3\nline 4\nline 5\nline 5\nline 6\n');
  expect(await fileOf(staged, 'deep/b.txt')).toBe(numbered(5).slice('line 1\n'.length));
  expect(await gitOf(staged, 'diff-tree', '-r', '--name-only', before.headOid, moved.headOid)).toBe(
    'deep/b.txt\ndeep/er/run.sh\n',
  );
  expect(await gitOf(staged, 'ls-tree', moved.headOid, `deep/er/`)).toMatch(/^100755 /);
  expect(await gitOf(staged, 'rev-parse', 'refs/heads/work', `${moved.headOid}^`)).toBe(
    `${moved.headOid}\n${before.headOid}\n`,
  );
  const commit = await gitOf(staged, 'log', '-1', '--format=%an%n%B', moved.headOid);
  expect(commit).toMatch(new RegExp(`^${author.account.name}\nApply 3 suggestions\n\n`));
  expect(commit).toContain(`Co-authored-by: ${reviewer.account.name} <`);
  for (const { threadId: id } of [one, two, three]) {
    const thread = getThread(testForge.forge, { branch: moved, id, viewerId: 0 });
    expect(thread.resolvedByName).toBe(author.account.name);
  }
  await expect(apply(staged, author, [{ comment: one.id }])).rejects.toThrow(/have changed since/);
});

test('a suggestion follows its lines, and is refused when they, it or the branch changed, or to who may not write', async () => {
  const staged = await stageReview(testForge, {
    name: 'refuse',
    files: { 'a.txt': '1\n' },
    change: { 'b.txt': numbered(9) },
  });
  const { reviewer, author, reader } = staged;
  const comment = await suggest(staged, reader, { path: 'b.txt', line: 5, body: fenced('five') });
  const other = await suggest(staged, reviewer, { path: 'b.txt', line: 5, body: fenced('V') });
  const draft = await suggest(staged, author, { path: 'b.txt', line: 2, body: fenced('x'), draft: true });
  const same = await suggest(staged, author, { path: 'b.txt', line: 2, body: fenced('line 2') });
  const { headOid } = staged.branch();
  const ask = (by: Person, ...ids: number[]) =>
    apply(
      staged,
      by,
      ids.map((id) => ({ comment: id })),
    );
  await expect(ask(reader, comment.id)).rejects.toMatchObject({ code: 'forbidden' });
  await expect(ask(author, comment.id, other.id)).rejects.toThrow(/about the same lines/);
  await expect(ask(author, draft.id)).rejects.toThrow(/has no comment/);
  await expect(ask(author, same.id)).rejects.toThrow(/nothing to commit/);
  const digest = digestOf(['five']);
  editComment(testForge.forge, { ...orderOf(staged, reader), id: comment.id, body: fenced('evil') });
  await expect(apply(staged, author, [{ comment: comment.id, digest }])).rejects.toThrow(/was changed since/);
  await staged.push({ 'b.txt': `top\n${numbered(9)}` });
  const stale = { suggestions: [{ comment: other.id, number: 1 }], head: headOid };
  await expect(
    applySuggestions(testForge.forge, { ...orderOf(staged, author), request: stale }),
  ).rejects.toThrow(/moved on to revision 2/);
  const offered = async (by: Person) => {
    const branch = staged.branch();
    const revision = getRevision(testForge.forge, branch.id, branch.revision);
    const talk = await talkOf(testForge.forge, { ...orderOf(staged, by), revision });
    return talk.flatMap(({ comments }) =>
      comments.flatMap(({ parts }) =>
        parts.flatMap((part) => (part.kind === 'suggestion' ? [part.choice !== undefined] : [])),
      ),
    );
  };
  expect(await offered(reviewer)).toEqual([true, true, true]);
  expect(await offered(reader)).toEqual([false, false, false]);
  await ask(author, other.id);
  expect(await fileOf(staged, 'b.txt')).toBe(`top\n${numbered(9).replace('line 5', 'V')}`);
  expect(await offered(reviewer)).toEqual([false, false, true]);
  await expect(ask(author, comment.id)).rejects.toThrow(/have changed since/);
  await closeBranch(testForge.forge, { ...orderOf(staged, staged.owner), slots: new Slots() });
  await expect(ask(author, same.id)).rejects.toThrow(/is closed/);
});
