import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { latestVersion, migrate, schemaVersion } from '../../src/db/migrate.ts';
import { Db } from '../../src/db/open.ts';

let folder: string;
let db: Db;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pika-db-'));
  db = new Db(join(folder, 'forge.db'));
});

afterEach(() => {
  db.close();
  rmSync(folder, { recursive: true });
});

test('the schema is the one that stands in schema.sql', async () => {
  migrate(db);
  const parts = db.all<{ sql: string }>(
    'SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY tbl_name, type DESC, name',
  );
  await expect(`${parts.map((part) => `${part.sql};`).join('\n\n')}\n`).toMatchFileSnapshot('schema.sql');
});

test('migrating twice changes nothing and makes no backup', () => {
  migrate(db);
  migrate(db, () => join(folder, 'backup.db'));
  expect(schemaVersion(db)).toBe(latestVersion());
  expect(existsSync(join(folder, 'backup.db'))).toBe(false);
});

test('a database of an older program is copied before it is migrated', () => {
  const migrations = fileURLToPath(new URL('../../src/db/migrations/', import.meta.url));
  const older = readdirSync(migrations).filter((name) => name < '0006');
  for (const name of older.sort()) db.exec(readFileSync(join(migrations, name), 'utf8'));
  db.exec('PRAGMA user_version = 5');
  migrate(db, (version) => join(folder, `before-${version}.db`));
  expect(schemaVersion(db)).toBe(latestVersion());
  const backup = new Db(join(folder, 'before-5.db'));
  expect(schemaVersion(backup)).toBe(5);
  backup.close();
});

test('a database that cannot be copied first is not migrated', () => {
  const migrations = fileURLToPath(new URL('../../src/db/migrations/', import.meta.url));
  const older = readdirSync(migrations).filter((name) => name < '0006');
  for (const name of older.sort()) db.exec(readFileSync(join(migrations, name), 'utf8'));
  db.exec('PRAGMA user_version = 5');
  const nowhere = (): string => join(folder, 'no such folder', 'copy.db');
  expect(() => migrate(db, nowhere)).toThrow(/could not be copied before its upgrade .* left as it is/);
  expect(schemaVersion(db)).toBe(5);
});

test('a database of a newer program is refused and left alone', () => {
  db.exec('PRAGMA user_version = 999');
  expect(() => migrate(db)).toThrow(/schema 999.*newer pika-git/);
  expect(db.all('SELECT name FROM sqlite_schema')).toEqual([]);
});
