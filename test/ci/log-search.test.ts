import { describe, expect, test } from 'vitest';
import { logFolder } from '../../src/ci/lanes/launch.ts';
import { looksLikeError } from '../../src/ci/logs/log-errors.ts';
import { LogFile } from '../../src/ci/logs/log-file.ts';
import { searchLog } from '../../src/ci/logs/log-search.ts';
import type { Attempt } from '../../src/ci/model.ts';
import { useForge } from '../support/forge.ts';

const open = useForge();
const attempt = { id: 7, token: 2, state: 'success' } as Attempt;

async function logOf(text: string) {
  const { forge } = await open();
  const log = new LogFile(logFolder(forge, { attemptId: 7, token: 2 }), 1e8);
  log.write(Buffer.from(text));
  log.close();
  return (text?: string, more: { from?: number; maxHits?: number } = {}) =>
    searchLog(forge, attempt, { text, from: 0, maxHits: 100, ...more });
}

const filler = (lines: number) => 'nothing to be seen in this line of the log\n'.repeat(lines);

describe('a search through a log', () => {
  test('finds lines in any case of their letters, with their numbers', async () => {
    const search = await logOf('one\nTwo words\nthree\ntwo WORDS more\n');
    const { hits, next, size } = await search('two words');
    expect(hits).toEqual([
      { line: 2, text: 'Two words' },
      { line: 4, text: 'two WORDS more' },
    ]);
    expect(next).toBe(size);
  });

  test('sees through colours, and letters beyond ASCII', async () => {
    const search = await logOf('te\u001B[31mst \u001B[0;1mfailed\nGRÖSSE 5 → 6\n');
    expect((await search('Test FAILED')).hits).toEqual([{ line: 1, text: 'test failed' }]);
    expect((await search('größe')).hits).toEqual([]);
    expect((await search('grösse 5 →')).hits).toEqual([{ line: 2, text: 'GRÖSSE 5 → 6' }]);
  });

  test('answers lines without anything that a terminal would obey', async () => {
    const search = await logOf('\u001B]0;title\u0007a \u001B[2Jneedle\u001B[1A \u0008here\u001B\n');
    expect((await search('needle')).hits).toEqual([{ line: 1, text: 'a needle here' }]);
  });

  test('takes its text as text', async () => {
    const search = await logOf('a.b\naxb\n(a|b)*[x]\\d\n');
    expect((await search('a.b')).hits.map(({ line }) => line)).toEqual([1]);
    expect((await search('(a|b)*[x]\\d')).hits.map(({ line }) => line)).toEqual([3]);
  });

  test('goes through a log of many pieces in a thread, and numbers lines as the page does', async () => {
    const search = await logOf(`${filler(60_000)}needle\n${filler(40_000)}NEEDLE too\n`);
    expect((await search('needle')).hits).toEqual([
      { line: 60_001, text: 'needle' },
      { line: 100_002, text: 'NEEDLE too' },
    ]);
  });

  test('finds a line that lies over the end of what is read at once', async () => {
    const before = `${'a'.repeat(99)}\n`.repeat(10_485) + `${'a'.repeat(72)}\n`;
    expect(before.length).toBe(1024 * 1024 - 3);
    const search = await logOf(`${before}needle\n${filler(100)}`);
    expect((await search('needle')).hits).toEqual([{ line: 10_487, text: 'needle' }]);
  });

  test('stops at as many hits as are wanted, and goes on from there', async () => {
    const search = await logOf(`${filler(30_000)}${'hit\n'.repeat(7)}${filler(10)}`);
    const first = await search('hit', { maxHits: 4 });
    expect(first.hits.map(({ line }) => line)).toEqual([30_001, 30_002, 30_003, 30_004]);
    expect(first.next).toBeLessThan(first.size);
    const rest = await search('hit', { maxHits: 4, from: first.next });
    expect(rest.hits.map(({ line }) => line)).toEqual([30_005, 30_006, 30_007]);
    expect(rest.next).toBe(rest.size);
  });

  test('shows the part of a long line that holds the text', async () => {
    const search = await logOf(`${'x'.repeat(9000)}needle${'y'.repeat(9000)}\n`);
    const [hit] = (await search('needle')).hits;
    expect(hit?.text).toMatch(/^…x+needley+…$/);
    expect(hit?.text.length).toBeLessThan(310);
  });

  test('of an attempt without a log finds nothing', async () => {
    const { forge } = await open();
    expect(await searchLog(forge, attempt, { text: 'x', from: 0, maxHits: 1 })).toMatchObject({ hits: [] });
  });

  test('ends when nobody waits for it', async () => {
    const { forge } = await open();
    const log = new LogFile(logFolder(forge, { attemptId: 7, token: 2 }), 1e8);
    log.write(Buffer.from(filler(60_000)));
    log.close();
    const search = { text: 'x', from: 0, maxHits: 1, signal: AbortSignal.abort() };
    await expect(searchLog(forge, attempt, search)).rejects.toThrow(/abort/i);
    expect((await searchLog(forge, attempt, { ...search, signal: undefined })).hits).toEqual([]);
  });

  test('is refused when others search already', async () => {
    const search = await logOf(filler(60_000));
    const answers = await Promise.allSettled(Array.from({ length: 12 }, () => search('needle')));
    const refused = answers.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(8);
    expect(refused[0]).toMatchObject({ reason: { code: 'limited' } });
    expect((await search('needle')).hits).toEqual([]);
  });
});

describe('the first line that looks like an error', () => {
  test('is found among those that only speak of errors', async () => {
    const search = await logOf(
      `0 errors\nerror-free\n${filler(30_000)}\u001B[31mTypeError\u001B[0m: it is\n`,
    );
    const { hits } = await search(undefined, { maxHits: 1 });
    expect(hits).toEqual([{ line: 30_003, text: 'TypeError: it is' }]);
  });

  const errors = [
    'src/a.ts(3,4): error TS2304: Cannot find name',
    'foo.c:3:1: error: expected expression',
    'error[E0308]: mismatched types',
    'AssertionError [ERR_ASSERTION]: Expected values',
    'Traceback (most recent call last):',
    '--- FAIL: TestParse (0.00s)',
    'not ok 3 - parses',
    '   ✗ reschedules after 503',
    ' × adds',
    ' FAIL  test/a.test.ts',
    'FAILED tests/test_a.py::test_it',
    'E       assert 1 == 2',
    'make: *** [all] Error 1',
    '   3:14  error  Unexpected any',
    'panic: runtime error',
    'npm error code ELIFECYCLE',
    'npm ERR! code 1',
    'ERROR: no',
    'Fatal error: no',
    'java.lang.IllegalStateException: no',
    '::error file=a.ts::no',
  ];
  test.each(errors)('may be %s', async (line) => {
    expect(looksLikeError(line)).toBe(true);
    const search = await logOf(`fine\n${line}\n`);
    expect((await search()).hits.map(({ line }) => line)).toEqual([2]);
  });

  test.each([
    '0 errors',
    'no error found',
    'error.ts compiled',
    'Failed: 0',
    'failed 0, passed 3',
    '✓ fails',
  ])('is not %s', (line) => expect(looksLikeError(line)).toBe(false));
});
