// D3: texts made to keep a parser busy for ever. Each is answered long before the time of its test ends; what runs
// off the web thread may also be given up and shown as plain text.
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { readManifest } from '../../src/ci/manifest/manifest.ts';
import { emptyContent, parsePatch, parseRaw, type DiffFile } from '../../src/git/parse-diff.ts';
import { spansOfLine, stripControls } from '../../src/lib/ansi.ts';
import { highlightFile } from '../../src/web/highlight.ts';
import { segmentsAt } from '../../src/web/line-colours.ts';
import { renderMarkdown } from '../../src/web/markdown.ts';
import { closeRenderPool } from '../../src/web/render-pool.ts';
import { wordDiff } from '../../src/web/word-diff.ts';

const budgetMs = 20_000;
afterAll(closeRenderPool);

/** Much of the same in the ways that are known to hurt: opened and never closed, nested, almost matching. */
const floods = (length: number): string[] =>
  [
    '[',
    '](',
    '![',
    '*',
    '**a',
    '_a ',
    '`',
    '<',
    '<!--',
    '&#',
    '> ',
    '- ',
    '|a',
    '\\',
    '"',
    "'",
    '/*',
    '(',
    '{',
    '${',
    '\t',
    '\r',
    'a@',
  ]
    .map((piece) => piece.repeat(Math.ceil(length / piece.length)))
    .concat(
      `${'a'.repeat(length)}!`,
      `${' '.repeat(length)}x`,
      'http://'.repeat(length / 7),
      '*_'.repeat(length / 2),
    );

test('D3: Markdown', { timeout: budgetMs * 6 }, async () => {
  for (const text of floods(100_000)) {
    // What is nothing but space has nothing to show.
    expect(await renderMarkdown(text)).toMatch(text.trim() === '' ? /^$/ : /^</);
  }
});

test('D3: syntax colours in every language', { timeout: budgetMs * 6 }, async () => {
  const endings = [
    'c',
    'cpp',
    'cs',
    'css',
    'diff',
    'go',
    'html',
    'ini',
    'java',
    'js',
    'kt',
    'lua',
    'md',
    'nix',
    'php',
    'pl',
    'py',
    'rb',
    'rs',
    'sh',
    'sql',
    'swift',
    'toml',
    'ts',
    'yaml',
  ];
  for (const [index, text] of floods(20_000).entries()) {
    const path = `x.${endings[index % endings.length]}`;
    const lines = await highlightFile({ oid: `${index}`.padStart(40, '0'), path, text });
    // Coloured or given up; what is coloured is still the text.
    const [first = ''] = text.split('\n');
    if (lines === undefined) continue;
    const segments = segmentsAt(lines, 0, first);
    expect(segments?.map(([, part]) => part).join('')).toBe(first);
  }
});

test('D3: terminal output', { timeout: budgetMs }, () => {
  for (const piece of [
    '\u001B[',
    '\u001B]',
    '\u001B]8;;',
    '\u001B[1;',
    '\u001BP',
    '\u009B',
    '\r',
    '\u001B',
  ]) {
    const text = piece.repeat(300_000);
    expect(stripControls(text).length).toBeLessThanOrEqual(text.length);
    spansOfLine(text);
  }
});

test('D3: changed words of a line', { timeout: budgetMs }, () => {
  for (const text of floods(50_000)) {
    for (const { length } of [wordDiff(text, `${text}x`)?.after ?? []]) expect(length).toBeLessThan(60_000);
  }
});

describe('D3: differences', () => {
  const files = (): DiffFile[] => [
    {
      status: 'modified',
      oldPath: 'a',
      newPath: 'a',
      oldMode: '100644',
      newMode: '100644',
      oldOid: 'a',
      newOid: 'b',
      ...emptyContent(),
    },
  ];

  test('are read whatever they say', { timeout: budgetMs }, () => {
    const piece = fc.constantFrom(
      'diff --git a/a b/a\n',
      '@@ -1,9 +1,9 @@\n',
      '@@ -1 +1 @@ ',
      '--- a/a\n',
      '+++ b/a\n',
      '+',
      '-',
      ' ',
      '\n',
      '\\ No newline',
      'Binary files',
      '\0',
      'index ',
      '@@ -999999999,999999999 +1,1 @@\n',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        parsePatch(files(), pieces.join(''));
        try {
          parseRaw(Buffer.from(`:${pieces.join('')}`));
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('are read in one walk', { timeout: budgetMs }, () => {
    for (const piece of [
      '@@ -1,9 +1,9 @@\n',
      '+\n',
      'diff --git a/a b/a\n',
      '\\ No newline at end of file\n',
    ]) {
      parsePatch(files(), piece.repeat(200_000));
    }
  });
});

test('D3: a manifest nested as deep as it may be long', { timeout: budgetMs }, () => {
  const limits = { maxLanesPerManifest: 64, maxLaneMinutes: 60 };
  for (const text of [
    `a = ${'['.repeat(200_000)}`,
    `a = ${'['.repeat(100_000)}${']'.repeat(100_000)}`,
    `a = ${'{a='.repeat(60_000)}1${'}'.repeat(60_000)}`,
    `[${'a.'.repeat(100_000)}a]`,
    `${'a.'.repeat(100_000)}a = 1`,
    'a = "\\u00'.repeat(20_000),
  ]) {
    expect(() => readManifest(text, limits), text.slice(0, 10)).toThrow(/\.pika\/lanes\.toml/);
  }
});
