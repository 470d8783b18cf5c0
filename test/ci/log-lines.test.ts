import { describe, expect, test } from 'vitest';
import { logFolder } from '../../src/ci/lanes/launch.ts';
import { LogFile } from '../../src/ci/logs/log-file.ts';
import { readLines, type LinesQuestion, type LogRow } from '../../src/ci/logs/log-lines.ts';
import type { Attempt } from '../../src/ci/model.ts';
import { useForge } from '../support/forge.ts';

const open = useForge();
const attemptIn = (state: Attempt['state']) => ({ id: 7, token: 2, state, startedAt: 0 }) as Attempt;

/** A log that was written in these chunks, and a reader of it. */
async function logOf(...chunks: string[]) {
  const { forge } = await open();
  const log = new LogFile(logFolder(forge, { attemptId: 7, token: 2 }), 1e8);
  for (const chunk of chunks) log.write(Buffer.from(chunk));
  const read = (question: Partial<LinesQuestion>, state: Attempt['state'] = 'success') =>
    readLines(forge, attemptIn(state), { rows: 100, open: undefined, ...question });
  return { log, read };
}

/** Rows in few letters: `3 text`, and a closed fold as `[2-5 name]`. */
const brief = (rows: readonly LogRow[]): string[] =>
  rows.map((row) =>
    row.kind === 'line'
      ? `${row.number} ${row.spans.map(({ text }) => text).join('')}`
      : `[${row.number}-${row.last + 1} ${row.name}]`,
  );

const numbered = (count: number, from = 1) =>
  Array.from({ length: count }, (_, place) => `line ${from + place}\n`).join('');

describe('the lines of a log', () => {
  test('have their number and time, also when a line comes in pieces', async () => {
    const before = Date.now();
    const { read, log } = await logOf('on', 'e\ntw', 'o\n', 'three\nfour');
    log.close();
    const { rows, lines, ended } = await read({ from: 2 });
    expect(brief(rows)).toEqual(['2 two', '3 three', '4 four']);
    expect(lines).toBe(4);
    expect(ended).toBe(true);
    expect(rows.every(({ at }) => at >= before && at <= Date.now())).toBe(true);
  });

  test('are whole lines while the lane runs', async () => {
    const { read } = await logOf('one\ntwo\nthr');
    expect(await read({}, 'running')).toMatchObject({ next: 3, lines: 2, ended: false });
    expect(await read({}, 'success')).toMatchObject({ next: 4, lines: 3, ended: true });
  });

  test('come from a line on, and up to a line, as many as are asked for', async () => {
    const { read } = await logOf(numbered(1000));
    const forward = await read({ from: 300, rows: 2 });
    expect(brief(forward.rows)).toEqual(['300 line 300', '301 line 301']);
    expect(forward).toMatchObject({ first: 300, next: 302, ended: false });
    const back = await read({ before: 300, rows: 2 });
    expect(brief(back.rows)).toEqual(['298 line 298', '299 line 299']);
    expect(await read({ before: Infinity, rows: 3 })).toMatchObject({ first: 998, next: 1001, ended: true });
    expect(await read({ from: 5000 })).toMatchObject({ rows: [], next: 5000, ended: true });
    expect(await read({ from: 10, max: 12 })).toMatchObject({ first: 10, next: 13 });
  });

  test('keep the colour that an earlier line began', async () => {
    const { read } = await logOf(`\u001B[31mred\n${'still red\n'.repeat(20)}\u001B[0mplain\n`);
    const { rows } = await read({ from: 15, rows: 1 });
    expect(rows[0]).toMatchObject({ spans: [{ text: 'still red', classes: 'ansi-red' }] });
    expect((await read({ from: 22 })).rows[0]).toMatchObject({ spans: [{ text: 'plain', classes: '' }] });
  });

  test('of which one is very long are cut between characters, and say so', async () => {
    const { read } = await logOf(`${'€'.repeat(1_000_000)}\nshort\n`);
    const [long, short] = (await read({})).rows;
    expect(long).toMatchObject({ kind: 'line', cutBytes: 3_000_001 - 4096 });
    expect(long?.kind === 'line' && long.spans[0]?.text).toBe('€'.repeat(1365));
    expect(short).toMatchObject({ cutBytes: 0, spans: [{ text: 'short' }] });
  });

  test('of a progress bar show what it wrote last', async () => {
    const steps = Array.from({ length: 1000 }, (_, step) => `downloaded ${step} of 999`).join('\r');
    const { read } = await logOf(`${steps}\n`);
    expect(brief((await read({})).rows)).toEqual(['1 downloaded 999 of 999']);
  });

  test('tell what looks like an error, whatever its colours', async () => {
    const { read } = await logOf('fine\n\u001B[31merror\u001B[0m: no\n0 errors\n');
    const errors = (await read({})).rows.map((row) => row.kind === 'line' && row.isError);
    expect(errors).toEqual([false, true, false]);
  });

  test('of an attempt without a log are none', async () => {
    const { forge } = await open();
    const question = { rows: 10, open: undefined };
    expect(await readLines(forge, attemptIn('success'), question)).toMatchObject({
      rows: [],
      lines: 0,
      ended: true,
    });
  });
});

describe('a fold', () => {
  const inner = `::group::inner\nc\n::endgroup::\n`;
  const text = `a\n::group::outer\nb\n${inner}d\n::endgroup::\ne\n`;

  test('is one row, and brings its lines along when they are few', async () => {
    const { read } = await logOf(text);
    const { rows, next } = await read({});
    expect(brief(rows)).toEqual(['1 a', '[2-8 outer]', '9 e']);
    expect(next).toBe(10);
    const fold = rows[1];
    expect(fold?.kind === 'fold' && brief(fold.rows ?? [])).toEqual(['3 b', '[4-6 inner]', '7 d']);
  });

  test('of very many lines is asked for with them, whatever else is open', async () => {
    const { read } = await logOf(`a\n::group::long\n${numbered(5000)}::endgroup::\nz\n`);
    const { rows } = await read({});
    expect(rows[1]).toMatchObject({ kind: 'fold', first: 3, last: 5002, rows: undefined });
    expect(brief((await read({ from: 5000, max: 5002 })).rows)).toEqual([
      '5000 line 4998',
      '5001 line 4999',
      '5002 line 5000',
    ]);
  });

  test('stays without its lines when many others brought theirs', async () => {
    const { read } = await logOf(`::group::g\n${numbered(100)}::endgroup::\n`.repeat(30));
    const { rows } = await read({});
    expect(rows).toHaveLength(30);
    expect(rows.filter((row) => row.kind === 'fold' && row.rows !== undefined)).toHaveLength(10);
  });

  test('that is open shows its name as a heading, and not the line that ends it', async () => {
    const { read } = await logOf(text);
    const { rows } = await read({ open: 3 });
    expect(brief(rows)).toEqual(['1 a', '2 outer', '3 b', '[4-6 inner]', '7 d', '9 e']);
    expect(rows[1]).toMatchObject({ isHeading: true });
    expect(brief((await read({ open: 'all' })).rows)).toHaveLength(7);
  });

  test('counts as one row, forward and backward', async () => {
    const { read } = await logOf(`${numbered(3)}::group::g\n${numbered(500)}::endgroup::\n${numbered(3)}`);
    expect(await read({ from: 2, rows: 4 })).toMatchObject({ first: 2, next: 507 });
    expect(await read({ before: 508, rows: 4 })).toMatchObject({ first: 3, next: 508 });
    expect(brief((await read({ before: 507, rows: 2 })).rows)).toEqual(['[4-505 g]', '506 line 1']);
  });

  test('that never ended is open', async () => {
    const { read } = await logOf('::group::open\na\nb\n');
    expect(brief((await read({})).rows)).toEqual(['1 open', '2 a', '3 b']);
  });
});
