import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Db } from '../../src/db/open.ts';

let folder: string;
let db: Db;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pika-db-'));
  db = new Db(join(folder, 'forge.db'));
  db.exec('CREATE TABLE notes (text TEXT NOT NULL) STRICT');
});

afterEach(() => {
  db.close();
  rmSync(folder, { recursive: true });
});

const note = (text: string) => db.run('INSERT INTO notes (text) VALUES (:text)', { text });
const texts = () => db.all<{ text: string }>('SELECT text FROM notes').map(({ text }) => text);
/** 1: a commit does not wait for the disk; 2: it does. */
const waits = () => db.get<{ synchronous: number }>('PRAGMA synchronous')?.synchronous === 2;

test('a relaxed transaction does not wait for the disk, and the next write of any other kind does again', () => {
  const others: (() => unknown)[] = [
    () => note('plain'),
    () => db.transaction(() => note('in a transaction')),
    () => db.get(`INSERT INTO notes (text) VALUES ('by a question') RETURNING text`),
    () => db.exec(`INSERT INTO notes (text) VALUES ('by a script')`),
  ];
  expect(waits()).toBe(true);
  for (const write of others) {
    db.relaxedTransaction(() => note('relaxed'));
    expect(waits()).toBe(false);
    expect(texts().at(-1)).toBe('relaxed');
    expect(waits()).toBe(false);
    write();
    expect(waits()).toBe(true);
  }
});

test('a relaxed transaction within another one is a part of it, and waits with it', () => {
  db.transaction(() => {
    db.relaxedTransaction(() => note('a'));
    expect(waits()).toBe(true);
  });
  expect(() =>
    db.transaction(() => {
      db.relaxedTransaction(() => note('b'));
      throw new Error('no');
    }),
  ).toThrow('no');
  expect(texts()).toEqual(['a']);
});

test('a relaxed transaction that throws leaves nothing', () => {
  expect(() =>
    db.relaxedTransaction(() => {
      note('a');
      throw new Error('no');
    }),
  ).toThrow('no');
  expect(texts()).toEqual([]);
});
