import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Diff, DiffFile, DiffLine } from '../../src/git/diff.ts';
import { coverEveryHunk, hunksOf } from '../../src/tutorials/coverage.ts';
import { parseCommitLines } from '../../src/tutorials/writers/commit-lines.ts';
import { writeOutline } from '../../src/tutorials/writers/outline.ts';
import { roleOf, sourceOfTest } from '../../src/tutorials/writers/roles.ts';
import type { Commit } from '../../src/tutorials/writers/writer.ts';

function file(path: string, hunks = 1, lines: DiffLine[] = []): DiffFile {
  const hunk = { oldStart: 1, oldLines: 1, newStart: 1, newLines: 1, section: '', lines };
  const oid = 'a'.repeat(40);
  return {
    status: 'modified',
    oldPath: path,
    newPath: path,
    oldMode: '100644',
    newMode: '100644',
    oldOid: oid,
    newOid: oid,
    binary: false,
    added: 1,
    removed: 1,
    hunks: Array.from({ length: hunks }, () => hunk),
    tooLarge: false,
  };
}

const diffOf = (...files: DiffFile[]): Diff => ({ files, truncated: false });
const commit = (subject: string, paths: string[], body = ''): Commit => ({ subject, body, paths });
const titles = (body: { steps: { title: string }[] }) => body.steps.map((step) => step.title);

test.each([
  ['Signed-off-by: Ada <ada@example.org>', 'Add a clock'],
  ['Fixes: #12\nReviewed-by: Ben <ben@example.org>\n\t(who knows clocks)', 'Add a clock'],
  ['Signed-off-by: Ada <ada@example.org>\n\nIt was asked for.\n\nCo-authored-by: B', 'It was asked for.'],
  ['(cherry picked from commit 0123abcd)', 'Add a clock'],
  ['Note: it ticks.\nIt strikes, too.', 'Note: it ticks. It strikes, too.'],
  ['', 'Add a clock'],
])('the summary of one commit is what its message says to people: %j', (body, summary) => {
  const commits = [commit('Add a clock', ['src/a.ts'], body)];
  const written = writeOutline({ title: 'Add a clock', commits, diff: diffOf(file('src/a.ts')) });
  expect(written.summary).toBe(summary);
  expect(JSON.stringify(written)).not.toContain('-by:');
});

describe('every hunk is in exactly one step', () => {
  const paths = fc.constantFrom(
    'src/a.ts',
    'src/b/c.ts',
    'test/a.test.ts',
    'README.md',
    'package-lock.json',
    'db/1.sql',
    'x.css',
    'vendor/v.js',
    'Makefile',
    'deep/er/and/er/x.py',
  );
  const files = fc.uniqueArray(fc.tuple(paths, fc.integer({ min: 0, max: 4 })), {
    selector: ([path]) => path,
  });
  const commits = fc.array(fc.record({ subject: fc.string(), body: fc.string(), paths: fc.array(paths) }), {
    maxLength: 15,
  });

  const expectCovered = (body: { steps: { hunks: unknown[] }[] }, diff: Diff) => {
    const given = body.steps.flatMap((step) => step.hunks).map((key) => JSON.stringify(key));
    const wanted = diff.files.flatMap(hunksOf).map((key) => JSON.stringify(key));
    expect(given.toSorted()).toEqual(wanted.toSorted());
    expect(body.steps.every((step) => step.hunks.length > 0)).toBe(true);
  };

  test('as outline writes it, in at most twelve steps', () => {
    fc.assert(
      fc.property(files, commits, (list, history) => {
        const diff = diffOf(...list.map(([path, hunks]) => file(path, hunks)));
        const body = writeOutline({ title: 't', commits: history, diff });
        expectCovered(body, diff);
        expect(body.steps.length).toBeLessThanOrEqual(12);
      }),
    );
  });

  test('what no commit names comes last, under its own name', () => {
    const body = writeOutline({
      title: 'x',
      diff: diffOf(file('a.ts'), file('b.ts'), file('c.ts'), file('merged.ts')),
      commits: [commit('Add a', ['a.ts']), commit('Add b and c', ['b.ts', 'c.ts'])],
    });
    expect(titles(body)).toEqual(['Add a', 'Add b and c', 'Everything else']);
  });

  test('whatever a writer names: twice, unknown, or nothing at all', () => {
    const key = fc.record({ path: paths, hunk: fc.integer({ min: 0, max: 6 }) });
    const step = fc.record({
      title: fc.string(),
      intent: fc.string(),
      prose: fc.string(),
      hunks: fc.array(key),
      folded: fc.boolean(),
    });
    fc.assert(
      fc.property(files, fc.array(step), (list, steps) => {
        const diff = diffOf(...list.map(([path, hunks]) => file(path, hunks)));
        expectCovered(coverEveryHunk({ summary: '', steps }, diff), diff);
      }),
    );
  });
});

test('clean commits are the steps, in their order, with what they say', () => {
  const body = writeOutline({
    title: 'x',
    diff: diffOf(file('a.ts'), file('b.ts')),
    commits: [commit('Add b', ['b.ts'], 'Because of c.\n\nMore on it.'), commit('Change a', ['a.ts'])],
  });
  expect(titles(body)).toEqual(['Add b', 'Change a']);
  expect(body.steps[0]).toMatchObject({ intent: 'Because of c.', prose: 'More on it.' });
});

test('tangled commits give way to what files are for: data, code with its test, pages, settings, documents', () => {
  const paths = [
    'README.md',
    'db/migrations/1.sql',
    'src/pay/pay.ts',
    'templates/x.njk',
    'test/pay.test.ts',
    'package-lock.json',
    'tsconfig.json',
  ];
  const body = writeOutline({
    title: 'x',
    diff: diffOf(...paths.map((path) => file(path))),
    commits: [commit('wip', paths), commit('wip 2', paths)],
  });
  expect(titles(body)).toEqual([
    'The shape of the data: 1',
    'Changes in src/pay: pay',
    'What people see: x',
    'Settings and tools: tsconfig',
    'Documentation: README',
    'Generated files',
  ]);
  expect(body.steps[1]?.hunks.map((key) => key.path)).toEqual(['src/pay/pay.ts', 'test/pay.test.ts']);
  expect(body.steps.at(-1)?.folded).toBe(true);
});

test('a hunk belongs to the commit that wrote most of its lines, not to the last that touched its file', () => {
  const hunk = (text: string): DiffLine[] => [{ kind: 'added', text }];
  const both = file('a.ts', 2);
  both.hunks = [
    { ...both.hunks[0]!, lines: hunk('one') },
    { ...both.hunks[0]!, lines: hunk('two') },
  ];
  const wrote = (text: string) => new Map([['a.ts', { added: new Set([text]), removed: new Set<string>() }]]);
  const body = writeOutline({
    title: 'x',
    diff: diffOf(both),
    commits: [
      { ...commit('Count one', ['a.ts']), lines: wrote('one') },
      { ...commit('Count two', ['a.ts']), lines: wrote('two') },
    ],
  });
  expect(body.steps.map(({ title, hunks }) => [title, hunks])).toEqual([
    ['Count one', [{ path: 'a.ts', hunk: 0 }]],
    ['Count two', [{ path: 'a.ts', hunk: 1 }]],
  ]);
});

test('the lines of commits are read by the counts of their hunks, so that no content poses as a head', () => {
  const text = [
    '\x01',
    '',
    'diff --git a/a.ts b/a.ts',
    'index 1..2 100644',
    '--- a/a.ts',
    '+++ b/a.ts',
    '@@ -1 +1,2 @@ x',
    '--- a/evil.ts',
    '+\x01',
    '+@@ -1 +1 @@',
    '\x01',
    '',
  ].join('\n');
  const commits = parseCommitLines(text);
  expect(commits).toHaveLength(2);
  expect(commits[0]).toEqual(
    new Map([['a.ts', { added: new Set(['\x01', '@@ -1 +1 @@']), removed: new Set(['-- a/evil.ts']) }]]),
  );
});

test('added and removed names are listed', () => {
  const lines: DiffLine[] = [
    { kind: 'removed', text: 'export function old() {}' },
    { kind: 'added', text: 'export function fresh() {}' },
    { kind: 'added', text: 'def other():' },
  ];
  const body = writeOutline({ title: 'x', diff: diffOf(file('a.ts', 1, lines)), commits: [] });
  expect(body.steps[0]?.prose).toBe('Adds `fresh`, `other`. Removes `old`.');
});

test.each([
  ['src/x.test.ts', 'test'],
  ['tests/test_x.py', 'test'],
  ['pkg/x_test.go', 'test'],
  ['db/schema.sql', 'schema'],
  ['docs/a.md', 'documentation'],
  ['web/app.tsx', 'interface'],
  ['.github/x.yml', 'setup'],
  ['src/latest/contest.ts', 'core'],
])('%s is for: %s', (path, role) => expect(roleOf(path)).toBe(role));

test('a test belongs to the one changed source that carries its name', () => {
  expect(sourceOfTest('test/a.test.ts', new Set(['src/a.ts', 'src/b.ts']))).toBe('src/a.ts');
  expect(sourceOfTest('test/a.test.ts', new Set(['x/a.ts', 'y/a.ts']))).toBeUndefined();
  // Else to the one folder of its own name.
  expect(sourceOfTest('test/pay/rest.test.ts', new Set(['src/pay/a.ts', 'src/b.ts']))).toBe('src/pay/a.ts');
  expect(sourceOfTest('test/pay/rest.test.ts', new Set(['src/pay/a.ts', 'x/pay/b.ts']))).toBeUndefined();
  expect(sourceOfTest('src/a.ts', new Set(['src/a.ts']))).toBeUndefined();
});
