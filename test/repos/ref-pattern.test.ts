import { performance } from 'node:perf_hooks';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { refNameProblem } from '../../src/repos/model.ts';
import { compilePattern, patternProblem } from '../../src/repos/ref-pattern.ts';

describe('what a pattern matches', () => {
  test.each([
    ['main', ['main'], ['mainly', 'Main', 'a/main']],
    ['release/*', ['release/1', 'release/1.0-rc'], ['release', 'release/1/fix', 'a/release/1']],
    ['release/**', ['release/1', 'release/1/fix'], ['release', 'releases/1']],
    ['**/main', ['main', 'a/main', 'a/b/main'], ['domain', 'a/domain', 'main/a']],
    ['a/**/z', ['a/z', 'a/b/z', 'a/b/c/z'], ['a/bz', 'az']],
    ['v?', ['v1', 'v2'], ['v', 'v10', 'v/']],
    ['*-stable', ['1-stable', 'a.b-stable'], ['a/b-stable', 'stable']],
    ['a**', ['a', 'ab', 'a/b'], ['b']],
  ])('%s', (pattern, yes, no) => {
    expect(patternProblem(pattern)).toBeUndefined();
    for (const name of yes) expect(compilePattern(pattern)(name), name).toBe(true);
    for (const name of no) expect(compilePattern(pattern)(name), name).toBe(false);
  });

  test('every name matches itself, as every name is a pattern', () => {
    const name = fc.stringMatching(
      /^[0-9A-Za-z][0-9A-Za-z._+@-]{0,20}(\/[0-9A-Za-z][0-9A-Za-z_+@-]{0,20}){0,3}$/,
    );
    fc.assert(
      fc.property(name, (text) => {
        fc.pre(refNameProblem(text) === undefined);
        return patternProblem(text) === undefined && compilePattern(text)(text);
      }),
    );
  });

  test('D3: the worst pattern against the longest name takes no time that anybody would notice', () => {
    const matches = compilePattern(`${'*a'.repeat(99)}b`);
    const before = performance.now();
    expect(matches('a'.repeat(200))).toBe(false);
    expect(performance.now() - before).toBeLessThan(200);
  });
});

describe('A1: what is no pattern is refused with a sentence that says what to write', () => {
  test.each([
    ['', /not empty/],
    ['*', /would keep everybody from pushing/],
    ['**', /would keep everybody from pushing/],
    ['*/**', /would keep everybody from pushing/],
    ['!main', /but not "!"/],
    ['{a,b}', /one pattern for each/],
    ['[ab]', /but not "\["/],
    ['a b', /but not " "/],
    ['a\\b', /but not/],
    ['a\n', /but not/],
    ['refs/heads/main', /leave out refs\/heads\//],
    ['-x', /each part of a pattern starts with/],
    ['a/-b', /each part of a pattern starts with/],
    ['a//b', /each part of a pattern starts with/],
    ['a/', /each part of a pattern starts with/],
    ['.hidden', /each part of a pattern starts with/],
    ['a***', /three stars/],
    ['x'.repeat(201), /at most 200/],
    ['ä*', /but not/],
  ])('%j', (pattern, why) => expect(patternProblem(pattern)).toMatch(why));
});
