import { array, assert, constantFrom, oneof, property, string } from 'fast-check';
import { expect, test } from 'vitest';
import { clean, cleanLine, safeJson, Screen } from '../../src/ph/output.ts';

test.each([
  ['colours', '\u001B[1;31mred\u001B[0m', 'red'],
  ['a title', '\u001B]0;owned\u0007text', 'text'],
  ['the clipboard', '\u001B]52;c;ZXZpbA==\u001B\\text', 'text'],
  ['a link', '\u001B]8;;http://evil\u001B\\name\u001B]8;;\u001B\\', 'name'],
  ['a device control string', '\u001BPq#0\u001B\\text', 'text'],
  ['one byte controls', '\u009B2Jtext\u0085', 'text'],
  ['an unfinished sequence', 'text\u001B[', 'text'],
  ['a line that writes over itself', 'good\rbad\r\nnext', 'good\nbad\nnext'],
  ['a bell, a backspace and a reversal', 'a\u0007b\u0008c\u202Ed', 'abcd'],
])('T1: %s is taken out of text of the forge', (_what, given, shown) => {
  expect(clean(given)).toBe(shown);
});

test('T1: nothing that steers a terminal is left of any text', () => {
  const dangerous = constantFrom(
    '\u001B',
    '[',
    ']',
    '0',
    ';',
    '\u0007',
    '\\',
    '\u009B',
    '\r',
    '\u202E',
    'm',
    '\n',
  );
  assert(
    property(array(oneof(dangerous, string())), (parts) => {
      // eslint-disable-next-line no-control-regex -- that is the question
      expect(clean(parts.join(''))).not.toMatch(/[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u202A-\u202E]/);
    }),
  );
});

test('letters, tabs and new lines stay; one line stays one line', () => {
  expect(clean('äö\t日本\n🙂')).toBe('äö\t日本\n🙂');
  expect(cleanLine(' a\r\n  b ')).toBe('a b');
});

test('T1: JSON says the same and steers no terminal', () => {
  const text = 'a\u001B[31m\u009B2J\u007F\u202Eb\u2066';
  const json = safeJson({ text });
  expect(JSON.parse(json)).toEqual({ text });
  // oxlint-disable-next-line no-control-regex -- they are what this is about
  expect(json).toMatch(/^[\u0020-\u007E]*$/);
});

test('what is drawn over again keeps within the terminal, with colours and wide letters too', () => {
  let drawn = '';
  const terminal = { isTTY: true, columns: 20, rows: 5, write: (text: string) => void (drawn += text) };
  const screen = new Screen(terminal as unknown as NodeJS.WriteStream, {});
  const queued = `  unit ${screen.paint('yellow', 'queued')} every place is taken`;
  screen.redraw(['short', queued, '日本語日本語日本語日本語']);
  // oxlint-disable-next-line no-control-regex -- the colours are taken out again
  const lines = drawn.replace(/\u001B\[\d*[a-zA-Z]/g, '').split('\n');
  expect(lines.slice(0, 3)).toEqual(['short', '  unit queued ever…', '日本語日本語日本語…']);
  expect(drawn).toContain('\u001B[33mqueued\u001B[39m');
  drawn = '';
  screen.redraw(Array.from({ length: 12 }, (_, index) => `lane ${index}`));
  expect(drawn).toContain('\u001B[3A');
  expect(drawn.match(/\n/g)).toHaveLength(4);
  expect(drawn).toContain('… and 9 more');
});
