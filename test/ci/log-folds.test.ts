import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { LogFile } from '../../src/ci/logs/log-file.ts';
import { closedFolds, readFolds } from '../../src/ci/logs/log-folds.ts';

/** The folds of a log that was written in these chunks. */
const foldsOf = (...chunks: string[]) => foldsWithin(1e6, chunks);

async function foldsWithin(maxBytes: number, chunks: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'pika-folds-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const log = new LogFile(folder, maxBytes);
  for (const chunk of chunks) log.write(Buffer.from(chunk));
  log.close();
  return readFolds(folder);
}

const text = 'a\n::group::one\nb\n::group::inner\nc\n::endgroup::\nd\n::endgroup::\ne\n::group::open\nf\n';
const folds = [
  { first: 2, last: 8 },
  { first: 4, last: 6 },
  { first: 10, last: undefined },
];

describe('the folds of a log', () => {
  test('are known with their lines, one in the other', async () => {
    expect(await foldsOf(text)).toEqual(folds);
  });

  test('are the same however the output was cut', async () => {
    expect(await foldsOf(...(text.match(/./gs) ?? []))).toEqual(folds);
    for (let at = 1; at < text.length; at += 1)
      expect(await foldsOf(text.slice(0, at), text.slice(at)), `cut at ${at}`).toEqual(folds);
  });

  test('begin at the beginning of a line only, and an end that nothing began is none', async () => {
    expect(await foldsOf('x ::group::no\n::groups\n::endgroup::\n::grou', 'x\n::endgroup::x\n')).toEqual([]);
  });

  test('do not reach over what was left out of a log that was too long', async () => {
    const group = (name: string) => `::group::${name}\n${'x'.repeat(200)}\n::endgroup::\n`;
    const cut = await foldsWithin(2000, [
      `::group::cut\n${group('y').repeat(40)}::endgroup::\n${group('z')}`,
    ]);
    expect(cut[0]).toEqual({ first: 1, last: undefined });
    const [before, after] = [cut.slice(1, -1), cut.slice(-1)];
    expect(before.length).toBeGreaterThan(3);
    expect(before.every(({ first, last }) => last === undefined || last === first + 2)).toBe(true);
    expect(after[0]?.last).toBe((after[0]?.first ?? 0) + 2);
  });

  test('are not ended by another mark', async () => {
    expect(await foldsOf('::group::one\n::error::no\n::endgrou::\n')).toEqual([
      { first: 1, last: undefined },
    ]);
  });

  test('of a folder without them are none', async () => {
    expect(await readFolds('/nowhere')).toEqual([]);
  });

  test('are bounded, and what follows is shown without', async () => {
    const many = await foldsOf('::group::x\n::endgroup::\n'.repeat(12_000));
    expect(many).toHaveLength(10_000);
    expect(many.at(-1)).toEqual({ first: 19_999, last: 20_000 });
  });
});

describe('the folds that are closed', () => {
  const all = { from: 1, to: 11, open: undefined };

  test('are the outermost that end within what is shown', () => {
    expect(closedFolds(folds, all)).toEqual([{ first: 2, last: 8 }]);
    expect(closedFolds(folds, { ...all, to: 7 })).toEqual([{ first: 4, last: 6 }]);
  });

  test('leave out what holds the line that was asked for, and all when all are to be open', () => {
    expect(closedFolds(folds, { ...all, open: 3 })).toEqual([{ first: 4, last: 6 }]);
    expect(closedFolds(folds, { ...all, open: 5 })).toEqual([]);
    expect(closedFolds(folds, { ...all, open: 'all' })).toEqual([]);
  });

  test('leave out a fold that began before what is shown', () => {
    expect(closedFolds(folds, { ...all, from: 3 })).toEqual([{ first: 4, last: 6 }]);
  });
});
