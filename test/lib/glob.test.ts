import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileGlob } from '../../src/lib/glob.ts';

test.each([
  ['*.ts', ['a.ts', '.ts', '.hidden.ts'], ['a/b.ts', 'a.tsx']],
  ['**', ['a', 'a/b/c', '.github/x'], []],
  ['src/**', ['src/a', 'src/a/.b', 'src'], ['lib/src/a', 'srca']],
  ['**/*.md', ['a.md', 'x/y/a.md'], ['a.mdx']],
  ['a/**/b', ['a/b', 'a/x/b', 'a/x/y/b'], ['a/xb', 'b']],
  ['a**b', ['ab', 'axxb'], ['a/b']],
  ['package*.json', ['package.json', 'package-lock.json'], ['x/package.json']],
  ['v?.[0-9]', ['v1.2', 'vx.0'], ['v.1', 'v1.x']],
  ['[!a-c]x', ['dx', '-x'], ['ax', 'x']],
  ['[]x]', [']', 'x'], ['y']],
  ['release/{1,2}.{0,x{1,2}}', ['release/1.0', 'release/2.x2'], ['release/3.0', 'release/1.x']],
  ['a\\*b', ['a*b'], ['axb']],
  ['$(id)', ['$(id)'], ['id']],
  ['(a|b)+', ['(a|b)+'], ['a', 'aa']],
])('%s', (pattern, matching, other) => {
  const matches = compileGlob(pattern);
  for (const path of matching) expect(matches(path), path).toBe(true);
  for (const path of other) expect(matches(path), path).toBe(false);
});

test.each([
  ['', 'at least one character'],
  ['a'.repeat(1025), 'at most 1024 characters'],
  ['a[bc', 'a [ of the pattern is not closed'],
  ['a{b,c', 'a { of the pattern is not closed'],
  ['{a,b}'.repeat(6), 'at most 32 alternatives'],
])('what is no pattern is refused with a sentence: %s', (pattern, why) => {
  expect(() => compileGlob(pattern)).toThrow(why);
});

/** The same by trying everything: right and endless, so for small texts alone. */
function matchesByTrying(glob: string, text: string): boolean {
  if (glob === '') return text === '';
  if (/^\*\*(?:\/|$)/.test(glob)) {
    const rest = glob.slice(3);
    if (glob === '**') return true;
    const starts = [0, ...[...text.matchAll(/\//g)].map(({ index }) => index + 1)];
    // Parts may end with the text: `a/**` matches `a` and `**/**` matches anything.
    return starts.some((at) => matchesByTrying(rest, text.slice(at))) || /^\*\*(?:\/\*\*)*$/.test(rest);
  }
  if (/^\/\*\*(?:\/\*\*)*$/.test(glob) && text === '') return true;
  const [first = ''] = glob;
  const rest = glob.slice(1);
  if (first === '*') {
    const end = text.indexOf('/') < 0 ? text.length : text.indexOf('/');
    return Array.from({ length: end + 1 }, (_unused, at) => at).some((at) =>
      matchesByTrying(rest, text.slice(at)),
    );
  }
  if (text === '' || (first === '?' ? text[0] === '/' : text[0] !== first)) return false;
  return matchesByTrying(rest, text.slice(1));
}

test('agrees with trying everything on patterns of stars, marks and parts', () => {
  const part = (pieces: string[]) =>
    fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 4 }).map((chosen) => chosen.join(''));
  const segment = fc.oneof(
    { weight: 3, arbitrary: part(['a', 'b', '.', '*', '?']).filter((text) => !text.includes('**')) },
    { weight: 1, arbitrary: fc.constant('**') },
  );
  const pattern = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
  const path = fc
    .array(part(['a', 'b', '.']), { minLength: 1, maxLength: 4 })
    .map((parts) => parts.join('/'));
  fc.assert(
    fc.property(pattern, path, (glob, text) => {
      expect(compileGlob(glob)(text), `${glob} on ${text}`).toBe(matchesByTrying(glob, text));
    }),
    { numRuns: 5000 },
  );
});

test('D3: patterns made to never end are answered', () => {
  expect(compileGlob(`${'*a'.repeat(400)}b`)('a'.repeat(4000))).toBe(false);
  expect(compileGlob(`${'**/a/'.repeat(150)}b`)('a/'.repeat(2000))).toBe(false);
  expect(compileGlob('{'.repeat(100) + 'a' + '}'.repeat(100))('a')).toBe(true);
});
