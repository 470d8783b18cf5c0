import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createLog } from '../../src/lib/log.ts';
import { RotatedFile } from '../../src/lib/rotated-file.ts';

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pika-log-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('a full file makes room for a new one, and only so many are kept', () => {
  const folder = makeFolder();
  const path = join(folder, 'forge.log');
  const file = new RotatedFile({ path, maxBytes: 100, keepFiles: 2 });
  for (let line = 1; line <= 20; line += 1) file.write(`${String(line).padStart(2)} ${'x'.repeat(26)}\n`);
  expect(readdirSync(folder).toSorted()).toEqual(['forge.log', 'forge.log.1', 'forge.log.2']);
  const numbers = ['forge.log.2', 'forge.log.1', 'forge.log'].map((name) =>
    readFileSync(join(folder, name), 'utf8').trim().split('\n').map(Number.parseFloat),
  );
  expect(numbers).toEqual([
    [13, 14, 15],
    [16, 17, 18],
    [19, 20],
  ]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('a start goes on with the file that is there, and with none of the old where none is to be kept', () => {
  const path = join(makeFolder(), 'forge.log');
  writeFileSync(path, 'x'.repeat(90));
  const file = new RotatedFile({ path, maxBytes: 100, keepFiles: 0 });
  file.write('short\n');
  expect(statSync(path).size).toBe(96);
  file.write('too much\n');
  expect(readFileSync(path, 'utf8')).toBe('too much\n');
  expect(existsSync(`${path}.1`)).toBe(false);
  writeFileSync(path, 'x'.repeat(95));
  new RotatedFile({ path, maxBytes: 100, keepFiles: 1 }).write('at once\n');
  expect(readFileSync(path, 'utf8')).toBe('at once\n');
  expect(statSync(`${path}.1`).size).toBe(95);
});

test('the log is written to it as lines of JSON', () => {
  const path = join(makeFolder(), 'forge.log');
  const log = createLog('info', { path, maxBytes: 1000, keepFiles: 1 });
  log.info({ token: 'tok-secret' }, 'hello');
  expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ msg: 'hello', token: '[redacted]' });
});
