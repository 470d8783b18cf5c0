import { describe, expect, test } from 'vitest';
import {
  maxMessageLength,
  maxNameLength,
  maxOutputLength,
  readTestReport,
} from '../../src/lib/test-report.ts';

const states = (text: string) =>
  readTestReport(text).tests.map(({ suite, name, state }) => [suite, name, state]);
const suite = (...cases: string[]) => `<testsuite name="unit">${cases.join('\n')}</testsuite>`;

describe('a JUnit report', () => {
  test('of vitest has files as suites, messages, stacks and what was printed', () => {
    const { tests, problem } = readTestReport(`<?xml version="1.0" encoding="UTF-8" ?>
<testsuites name="vitest tests" tests="3" failures="1" errors="0" time="0.011">
    <testsuite name="test/cart.test.ts" timestamp="2026-11-21T17:34:31.696Z" tests="3" failures="1" time="0.011">
        <testcase classname="test/cart.test.ts" name="a cart &gt; adds up" time="0.0016">
        </testcase>
        <testcase classname="test/cart.test.ts" name="a cart &gt; rounds &quot;halves&quot; &lt;up&gt;" time="1.0063">
            <system-out>
what it printed

            </system-out>
            <failure message="expected 0.375 to be 0.38 // Object.is equality" type="AssertionError">
AssertionError: expected 0.375 to be 0.38 // Object.is equality

 ❯ test/cart.test.ts:11:34
            </failure>
        </testcase>
        <testcase classname="test/cart.test.ts" name="a cart &gt; later" time="0">
            <skipped/>
        </testcase>
    </testsuite>
</testsuites>`);
    expect(problem).toBeUndefined();
    expect(tests).toMatchObject([
      { suite: 'test/cart.test.ts', name: 'a cart > adds up', state: 'passed', durationMs: 2 },
      {
        name: 'a cart > rounds "halves" <up>',
        state: 'failed',
        durationMs: 1006,
        message: 'expected 0.375 to be 0.38 // Object.is equality',
        output:
          'AssertionError: expected 0.375 to be 0.38 // Object.is equality\n\n ❯ test/cart.test.ts:11:34\n\nwhat it printed',
      },
      { name: 'a cart > later', state: 'skipped' },
    ]);
  });

  test('of pytest names the file and the line of each test, when it is asked to', () => {
    const { tests } = readTestReport(
      suite(
        '<testcase classname="tests.test_cart.CartTest" name="test_rounds" file="tests/test_cart.py" line="7" time="0.001"><failure message="AssertionError: 0.375 != 0.38">tests/test_cart.py:10: AssertionError</failure></testcase>',
        '<testcase classname="tests.test_cart" name="test_setup"><error message="failed on setup with &quot;boom&quot;">trace</error></testcase>',
      ),
    );
    expect(tests).toMatchObject([
      { file: 'tests/test_cart.py', line: 7, state: 'failed' },
      { state: 'error', message: 'failed on setup with "boom"', durationMs: undefined },
    ]);
  });

  test('may nest suites, leave everything out, and group thousands of seconds', () => {
    expect(
      states(
        '<testsuites><testsuite name="a" file="a.js"><testsuite name="b"><testcase name="x"/></testsuite></testsuite><testcase/></testsuites>',
      ),
    ).toEqual([
      ['', '(no name)', 'passed'],
      ['a > b', 'x', 'passed'],
    ]);
    expect(readTestReport(suite('<testcase name="slow" time="1,234.5"/>')).tests[0]?.durationMs).toBe(
      1_234_500,
    );
    expect(states('<testsuites/>')).toEqual([]);
  });

  test('says when a suite broke before its first test', () => {
    expect(states('<testsuite name="db"><error message="no database">x</error></testsuite>')).toEqual([
      ['', 'db', 'error'],
    ]);
  });

  test('of a runner that tries again says which tests needed it', () => {
    const { tests } = readTestReport(
      suite(
        '<testcase name="wobbles"><flakyFailure message="timed out">stack</flakyFailure></testcase>',
        '<testcase name="not run" status="notrun"/>',
      ),
    );
    expect(tests).toMatchObject([
      { state: 'passed', flaky: true, message: 'timed out', output: 'stack' },
      { state: 'skipped', flaky: false },
    ]);
  });

  test('has its entities decoded once, and no control sequences', () => {
    const { tests } = readTestReport(
      suite(
        '<testcase name="a&#x1B;[31m&amp;lt;b&#10;c"><failure message="&#x1b;]0;title&#7;red&#x202E;">&#27;[31mx&#27;[0m&#0;&#99999999;&unknown;</failure></testcase>',
      ),
    );
    expect(tests[0]).toMatchObject({
      name: 'a&lt;b c',
      message: 'red\u202E',
      output: 'x&#99999999;&unknown;',
    });
  });

  test.each([
    ['<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><testsuite name="&b;"/>', /document type/],
    ['<testsuite><testcase name="x"><failure>cut o', /not well-formed XML: line 1/],
    [`<testsuite>\n<testcase name="x">\n</testsuite>`, /line 3/],
    [`${'<testsuite>'.repeat(100)}${'</testsuite>'.repeat(100)}`, /nested/i],
    ['<html><body/></html>', /no <testsuite>/],
    ['', /empty/],
    ['It worked!', /neither JUnit XML nor TAP/],
  ])('that cannot be read is a sentence: %s', (text, problem) => {
    const report = readTestReport(text);
    expect(report.problem).toMatch(problem);
    expect(report.tests).toEqual([]);
  });

  test('is taken up to a number of tests, and what fails after that too', () => {
    const cases = Array.from({ length: 50 }, (_, place) => `<testcase name="t${place}"/>`);
    const report = readTestReport(suite(...cases, '<testcase name="last"><failure/></testcase>'), 10);
    expect(report.tests.map(({ name }) => name)).toEqual(
      [...Array(10).keys()].map((at) => `t${at}`).concat('last'),
    );
    expect(report.problem).toMatch(/^40 tests are left out/);
  });

  test('with endless texts keeps their beginning and their end', () => {
    const long = `first ${'x'.repeat(100_000)} last`;
    const { tests } = readTestReport(
      suite(`<testcase name="${long}"><failure message="${long}">${long}</failure></testcase>`),
    );
    const [only] = tests;
    expect(only?.name.length).toBeLessThanOrEqual(maxNameLength);
    expect(only?.message?.length).toBeLessThanOrEqual(maxMessageLength);
    expect(only?.output?.length).toBeLessThanOrEqual(maxOutputLength);
    expect(only?.output).toMatch(/^first x+\n… \d+ characters are left out here …\nx+ last$/);
  });
});

describe('a TAP report', () => {
  test('of node counts the tests of suites and not the suites, with place and stack', () => {
    const { tests, problem } = readTestReport(`TAP version 13
# Subtest: suite a
    # Subtest: passes
    ok 1 - passes
      ---
      duration_ms: 12.685059
      type: 'test'
      ...
    # Subtest: fails
    not ok 2 - fails
      ---
      duration_ms: 0.63891
      location: '/lane/work/n.test.mjs:2:53'
      error: |-
        Expected values to be equal:

        1 !== 2
      stack: |-
        TestContext.<anonymous> (file:///lane/work/n.test.mjs:2:80)
      ...
    ok 3 - skipped # SKIP no database
    not ok 4 - later # TODO
    1..4
not ok 1 - suite a
  ---
  failureType: 'subtestsFailed'
  error: '1 subtest failed'
  ...
ok 2 - alone
1..2
# tests 5
`);
    expect(problem).toBeUndefined();
    expect(tests).toMatchObject([
      { suite: 'suite a', name: 'passes', state: 'passed', durationMs: 13 },
      {
        suite: 'suite a',
        name: 'fails',
        state: 'failed',
        message: 'Expected values to be equal:\n\n1 !== 2',
        file: '/lane/work/n.test.mjs',
        line: 2,
      },
      { name: 'skipped', state: 'skipped', message: 'no database' },
      { name: 'later', state: 'skipped', message: 'to do' },
      { suite: '', name: 'alone', state: 'passed' },
    ]);
    expect(tests[1]?.output).toContain('n.test.mjs:2:80');
  });

  test('of a plain runner takes the comments below a failure as its output', () => {
    const { tests } = readTestReport(
      "1..2\nok 1 first\nnot ok 2 - adds\n#   Failed test 'adds'\n#   at t/cart.t line 12.\n#          got: 4\n",
    );
    expect(tests[1]).toMatchObject({
      name: 'adds',
      message: 'at t/cart.t line 12.',
      output: "  Failed test 'adds'\n  at t/cart.t line 12.\n         got: 4",
    });
  });

  test('without names counts, and says what is missing', () => {
    expect(readTestReport('1..3\nok\nnot ok\n')).toMatchObject({
      tests: [{ name: 'test 1' }, { name: 'test 2', state: 'failed' }],
      problem: 'its plan promises 3 tests, and 2 came',
    });
    expect(readTestReport('ok 1\nBail out! no database\nok 2\n')).toMatchObject({
      tests: [{ state: 'passed' }],
      problem: 'the tests bailed out: no database',
    });
  });

  test('that fails as a whole, though none of its subtests did, has that failure', () => {
    expect(states('    ok 1 - a\n    1..1\nnot ok 1 - hook\n1..1\n')).toEqual([
      ['hook', 'a', 'passed'],
      ['', 'hook', 'failed'],
    ]);
  });

  test('is read within limits, however deep and however long', () => {
    const deep = `${' '.repeat(4000)}ok 1 - too deep\n`;
    const report = readTestReport(`ok 1\n${deep}${'not ok\n'.repeat(3000)}`, 10);
    expect(report.tests).toHaveLength(1010);
    expect(report.problem).toMatch(/^1991 tests are left out/);
  });
});
