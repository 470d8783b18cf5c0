import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { hunkRows, type PlainLine } from '../../src/web/diff-rows.ts';
import { highlightFile } from '../../src/web/highlight.ts';
import { classRoom, segmentsAt, type LineColours } from '../../src/web/line-colours.ts';
import { renderMarkdown } from '../../src/web/markdown.ts';
import { closeRenderPool, patienceOf } from '../../src/web/render-pool.ts';
import { wordDiff } from '../../src/web/word-diff.ts';

afterAll(closeRenderPool);

const hunk = (...lines: PlainLine[]) => ({ oldStart: 1, newStart: 1, section: '', lines });
const plain = { before: undefined, after: undefined };

describe('words inside a line', () => {
  test('what changed is marked, the rest is not', () => {
    expect(wordDiff('const delay = sleep(5);', 'const delay = wait(5);')).toEqual({
      before: [[14, 19]],
      after: [[14, 18]],
    });
  });

  test('lines with nothing in common are not compared', () => {
    expect(wordDiff('alpha beta gamma', '{ return 7 }')).toBeUndefined();
  });

  test('a letter and what stands on it, an emoji and a flag are marked whole', () => {
    const marked = (before: string, after: string) =>
      wordDiff(before, after)?.after.map(([start, end]) => after.slice(start, end));
    expect(marked('a cafe on the corner', 'a cafe\u0301 on the corner')).toEqual(['cafe\u0301']);
    expect(marked('नमस्ते दुनिया हिन्दी', 'नमस्ते दुनिया हिन्दि')).toEqual(['हिन्दि']);
    expect(marked('thumbs 👍🏽 up', 'thumbs 👍🏿 up')).toEqual(['👍🏿']);
    expect(marked('family 👨‍👩‍👧 here', 'family 👨‍👩‍👦 here')).toEqual(['👨‍👩‍👦']);
    expect(marked('flag 🇩🇪 is here', 'flag 🇩🇰 is here')).toEqual(['🇩🇰']);
  });

  test('any two lines: the unmarked text of both is the same', () => {
    const line = fc.array(fc.constantFrom('a', 'b', 'foo', ' ', '(', ')', '=', 'ß'), { maxLength: 20 });
    const unmarked = (text: string, ranges: [number, number][]) =>
      ranges
        .reduceRight((rest, [start, end]) => rest.slice(0, start) + rest.slice(end), text)
        .replaceAll(' ', '');
    fc.assert(
      fc.property(line, line, (left, right) => {
        const [before, after] = [left.join(''), right.join('')];
        const found = wordDiff(before, after);
        if (found !== undefined) expect(unmarked(before, found.before)).toBe(unmarked(after, found.after));
      }),
    );
  });
});

/** The colours of a line that is one keyword. */
const ofOneLine = (length: number): LineColours => ({
  classes: ['', 'hljs-keyword'],
  starts: Uint32Array.of(0),
  marks: Uint32Array.of(length * classRoom + 1),
});

describe('rows', () => {
  test('the last line says when nothing ends it', () => {
    const lines = [
      { kind: 'removed', text: 'a', oldNumber: 1, noNewline: true },
      { kind: 'added', text: 'a', newNumber: 1 },
    ] as const;
    const { rows } = hunkRows(hunk(...lines), { before: undefined, after: undefined });
    expect(rows.map(({ note }) => note)).toEqual(['no newline at the end of the file', undefined]);
  });

  test('their text is the line, however it is coloured and marked', async () => {
    const text = 'const x = "a"; // note';
    const after = await highlightFile({ oid: 'b'.repeat(40), path: 'x.ts', text: `${text}\n` });
    expect(after).toBeDefined();
    const { rows } = hunkRows(
      hunk(
        { kind: 'removed', text: 'const y = "a"; // note', oldNumber: 1 },
        { kind: 'added', text, newNumber: 1 },
      ),
      { before: undefined, after },
    );
    const [removed, added] = rows;
    expect(added!.segments.map((part) => part.text).join('')).toBe(text);
    expect(added!.segments.find((part) => part.changed)?.text).toBe('x');
    expect(removed!.segments.find((part) => part.changed)?.text).toBe('y');
    expect(added!.segments.map((part) => part.className)).toContain('hljs-comment');
  });

  test('colours of another text are not used', () => {
    const { rows } = hunkRows(hunk({ kind: 'added', text: 'real', newNumber: 1 }), {
      ...plain,
      after: ofOneLine('longer'.length),
    });
    expect(rows[0]!.segments).toEqual([{ text: 'real', className: '', changed: false }]);
  });

  test('CR LF is told only where both kinds of line ends meet', () => {
    const notes = (...lines: PlainLine[]) => hunkRows(hunk(...lines), plain).rows.map((row) => row.note);
    const windows = { kind: 'added', text: 'a\r', newNumber: 1 } as const;
    expect(notes(windows, { ...windows, newNumber: 2 })).toEqual([undefined, undefined]);
    const removed = { kind: 'removed', text: 'a', oldNumber: 1 } as const;
    expect(notes(removed, windows)).toEqual([undefined, 'ends with CR LF']);
    expect(hunkRows(hunk(windows), plain).rows[0]!.segments[0]!.text).toBe('a');
  });

  test('lines of a file with CR LF keep their colours', async () => {
    const after = await highlightFile({ oid: '9'.repeat(40), path: 'x.ts', text: 'let a;\r\nlet b;\r\n' });
    const { rows } = hunkRows(hunk({ kind: 'added', text: 'let b;\r', newNumber: 2 }), { ...plain, after });
    expect(rows[0]!.segments[0]).toMatchObject({ text: 'let', className: 'hljs-keyword' });
    expect(rows[0]!.segments.map((part) => part.text).join('')).toBe('let b;');
  });

  test('X3: hidden and bidirectional characters become visible', () => {
    const { rows } = hunkRows(hunk({ kind: 'added', text: 'a\u202Eb\u200Bc', newNumber: 1 }), plain);
    expect(rows[0]!.segments[0]!.text).toBe('a⟨U+202E⟩b⟨U+200B⟩c');
  });
});

describe('colours', () => {
  test('a comment over several lines is one on each of them', async () => {
    const lines = await highlightFile({ oid: 'c'.repeat(40), path: 'a.ts', text: '/* a\nb */\nlet c;' });
    expect(segmentsAt(lines, 1, 'b */')).toEqual([['hljs-comment', 'b */']]);
  });

  test('any text comes back as it was, line by line', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', maxLength: 200 }), fc.integer(), async (text, seed) => {
        if (text.includes('\r')) return;
        const colours = await highlightFile({ oid: `${seed}${text.length}${text}`, path: 'a.ts', text });
        if (colours === undefined) return;
        const lines = text.split('\n');
        expect(colours.starts).toHaveLength(lines.length);
        const parts = lines.map((line, index) => segmentsAt(colours, index, line)?.map(([, part]) => part));
        expect(parts.map((part) => part?.join('')).join('\n')).toBe(text);
      }),
      { numRuns: 30 },
    );
  });

  test('are not waited for while the thread that makes them has not begun', async () => {
    await closeRenderPool();
    expect(await patienceOf(60_000)).toBe('late');
    const colours = await highlightFile({ oid: 'f'.repeat(40), path: 'a.ts', text: 'let a;' });
    const patience = patienceOf(1).then(() => 'over');
    expect([colours?.classes.length, await Promise.race([patience, Promise.resolve('still')])]).toEqual([
      2,
      'still',
    ]);
  });

  test('an unknown ending and a huge file stay plain', async () => {
    expect(await highlightFile({ oid: 'd'.repeat(40), path: 'a.unknown', text: 'x' })).toBeUndefined();
    expect(
      await highlightFile({ oid: 'e'.repeat(40), path: 'a.ts', text: 'x'.repeat(300_000) }),
    ).toBeUndefined();
  });
});

describe('X1: Markdown lets no tag and no script through', () => {
  test.each([
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '[a](javascript:alert(1))',
    '[a](JaVaScRiPt:alert(1))',
    '[a](data:text/html,<script>alert(1)</script>)',
    '![a](http://other.example/x.png)',
    '<svg onload=alert(1)>',
    '[a]: javascript:alert(1)\n\n[a]',
    '`<b>`',
    '<a href="javascript:alert(1)">x</a>',
    '[x](vbscript:a)',
  ])('%s', async (text) => {
    const html = await renderMarkdown(text);
    expect(html).not.toMatch(/<(?:script|img|svg|b|a href="(?:javascript|data|vbscript))/i);
  });

  test('headings stay below those of the page', async () => {
    expect(await renderMarkdown('# a\n\n##### b')).toBe('<h3>a</h3>\n<h6>b</h6>\n');
  });

  test('names of emoji become emoji, but not in code, and no smiley does', async () => {
    const html = await renderMarkdown('done :tada: 8) :) `:tada:` :no-such-thing: a:b:c');
    expect(html).toBe('<p>done 🎉 8) :) <code>:tada:</code> :no-such-thing: a:b:c</p>\n');
  });

  test('D3: deep nesting and a very long text come back in time', async () => {
    expect(await renderMarkdown('> '.repeat(5000) + 'x')).toBeTypeOf('string');
    expect(await renderMarkdown('['.repeat(50_000))).toBeTypeOf('string');
    expect(await renderMarkdown('x'.repeat(300_000))).toMatch(/^<pre[ >]/);
  });
});
