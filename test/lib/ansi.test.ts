import { describe, expect, test } from 'vitest';
import { spansOfLine, stripControls } from '../../src/lib/ansi.ts';

const shown = (line: string) =>
  spansOfLine(line)
    .spans.map(({ text, classes }) => (classes ? `<${classes}>${text}` : text))
    .join('');

describe('terminal output', () => {
  test.each([
    ['colours', '\u001B[31mred\u001B[0m plain', '<ansi-red>red plain'],
    ['bold colours', '\u001B[1;32mok\u001B[22m!', '<ansi-green ansi-bold>ok<ansi-green>!'],
    ['256 colours without reading their arguments as codes', '\u001B[38;5;31mx\u001B[48;2;1;2;31my', 'xy'],
    ['a title set by OSC', '\u001B]0;evil title\u0007text', 'text'],
    ['a link by OSC 8', '\u001B]8;;http://evil\u001B\\click\u001B]8;;\u001B\\', 'click'],
    ['the clipboard by OSC 52', '\u001B]52;c;ZXZpbA==\u0007x', 'x'],
    ['an OSC that never ends', 'a\u001B]0;never', 'a'],
    ['cursor movement', '\u001B[2Ja\u001B[10;10Hb\u001B[K', 'ab'],
    ['a device control string', '\u001BPq#0\u001B\\x', 'x'],
    ['eight-bit controls', 'a\u009B31mb', 'a31mb'],
    ['bells and backspaces', 'a\u0007\bb', 'ab'],
    ['a progress bar', '10%\r50%\r100%\r', '100%'],
    ['a lone escape at the end', 'a\u001B', 'a'],
    ['a CSI that is cut off', 'a\u001B[31', 'a31'],
  ])('shows %s as a terminal would', (_name, line, expected) => {
    expect(shown(line)).toBe(expected);
  });

  test('keeps the colour from line to line', () => {
    const first = spansOfLine('\u001B[31mred');
    expect(spansOfLine('still', first.style).spans).toEqual([{ text: 'still', classes: 'ansi-red' }]);
  });

  test('keeps colours, tabs and newlines when it strips, and nothing else', () => {
    expect(stripControls('\u001B[1mA\u001B[0m\t\u001B[5A\n\u001B]0;x\u0007B\u0000')).toBe(
      '\u001B[1mA\u001B[0m\t\nB',
    );
  });

  test('takes time that grows with the input only', () => {
    const hostile = [
      '\u001B['.repeat(200_000),
      `\u001B]${'x'.repeat(400_000)}`,
      '\u001B]'.repeat(200_000),
      '\r'.repeat(400_000),
    ];
    const begun = performance.now();
    for (const text of hostile) spansOfLine(text);
    expect(performance.now() - begun).toBeLessThan(2000);
  });
});
