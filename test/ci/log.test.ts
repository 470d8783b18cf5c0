import { mkdirSync, readFileSync, writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { logFolder } from '../../src/ci/lanes/launch.ts';
import { LogFile } from '../../src/ci/logs/log-file.ts';
import { readLog } from '../../src/ci/logs/log.ts';
import type { Attempt } from '../../src/ci/model.ts';
import { useForge } from '../support/forge.ts';

const open = useForge();
const attempt = (state: 'running' | 'success') => ({ id: 7, token: 2, state, startedAt: 0 }) as Attempt;

async function withLog(content: string | Buffer) {
  const { forge } = await open();
  const folder = logFolder(forge, { attemptId: 7, token: 2 });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'log'), content);
  return forge;
}

describe('a log file', () => {
  test('over its limit keeps its head and its tail and marks the gap', () => {
    const folder = mkdtempSync(join(tmpdir(), 'pika-log-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const log = new LogFile(folder, 40_000);
    log.write(Buffer.from('the first line\n'));
    for (let line = 0; line < 20_000; line += 1) log.write(Buffer.from(`line ${line}\n`));
    log.note('the end');
    log.close();
    const text = readFileSync(join(folder, 'log'), 'utf8');
    expect(text).toMatch(/^the first line\nline 0\n/);
    expect(text).toMatch(/\[pika\] the log is full at 30000 bytes/);
    expect(text).toMatch(/\n\[pika\] … \d+ bytes are left out here …\n/);
    expect(text).toMatch(/line 19999\n\[pika\] the end\n$/);
    expect(text.length).toBeLessThan(42_000);
  });

  test.each([999, 1000, 1001])(
    'loses nothing silently when %i bytes follow a full head with room for 1000',
    (count) => {
      const folder = mkdtempSync(join(tmpdir(), 'pika-log-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const log = new LogFile(folder, 4000);
      log.write(Buffer.from(`${'h'.repeat(2999)}\n`));
      for (let byte = 0; byte < count; byte += 1)
        log.write(Buffer.from(byte === 0 ? '<' : byte === count - 1 ? '>' : 't'));
      log.close();
      const text = readFileSync(join(folder, 'log'), 'utf8');
      expect(text.endsWith(`${'t'.repeat(Math.min(998, count - 2))}>`)).toBe(true);
      expect(text.includes('<ttt')).toBe(count <= 1000);
      expect(text.includes('1 bytes are left out here')).toBe(count > 1000);
    },
  );

  test('of empty lines has an index that is no larger than the log may be', () => {
    const folder = mkdtempSync(join(tmpdir(), 'pika-log-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const log = new LogFile(folder, 40_000);
    for (let at = 0; at < 30; at += 1) log.write(Buffer.alloc(1000, '\n'));
    log.close();
    expect(readFileSync(join(folder, 'log.index')).length).toBe(40_000);
    expect(readFileSync(join(folder, 'log')).length).toBe(30_000);
  });

  test('stays within its limit when one chunk is larger than all of it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'pika-log-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const log = new LogFile(folder, 4000);
    for (let chunk = 0; chunk < 50; chunk += 1) log.write(Buffer.alloc(65_536, 'x'));
    log.close();
    expect(readFileSync(join(folder, 'log')).length).toBeLessThan(5000);
  });
});

describe('reading a log', () => {
  test('gives whole lines while the lane runs, and the rest at its end', async () => {
    const forge = await withLog('one\ntwo\nthr');
    const first = await readLog(forge, attempt('running'), { from: 0, maxBytes: 100 });
    expect(first).toMatchObject({ text: 'one\ntwo\n', next: 8, ended: false });
    expect(await readLog(forge, attempt('success'), { from: 8, maxBytes: 100 })).toMatchObject({
      text: 'thr',
      next: 11,
      ended: true,
    });
  });

  test('never cuts a character, however long the line', async () => {
    const text = '€'.repeat(1000);
    const forge = await withLog(text);
    let read = '';
    for (let from = 0; ;) {
      const range = await readLog(forge, attempt('success'), { from, maxBytes: 100 });
      read += range.text;
      from = range.next;
      if (range.ended) break;
    }
    expect(read).toBe(text);
  });

  test('from the end begins at a line', async () => {
    const forge = await withLog('one\ntwo\nthree\n');
    expect(await readLog(forge, attempt('success'), { from: -8, maxBytes: 100 })).toMatchObject({
      text: 'three\n',
      from: 8,
    });
    expect(await readLog(forge, attempt('success'), { from: -100, maxBytes: 100 })).toMatchObject({
      from: 0,
    });
  });

  test('of an attempt without a log is empty', async () => {
    const { forge } = await open();
    expect(await readLog(forge, attempt('success'), { from: 0, maxBytes: 10 })).toMatchObject({
      text: '',
      ended: true,
    });
  });

  test('takes control sequences away, but colours', async () => {
    const forge = await withLog('\u001B]0;title\u0007\u001B[32mok\u001B[0m\n');
    expect((await readLog(forge, attempt('success'), { from: 0, maxBytes: 100 })).text).toBe(
      '\u001B[32mok\u001B[0m\n',
    );
  });
});
