// Brings a database to the schema of this program: numbered SQL files, each applied once, in order.
import { readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { ForgeError, errorMessage } from '../lib/errors.ts';
import type { Db } from './open.ts';

const folder = new URL('./migrations/', import.meta.url);

interface Migration {
  version: number;
  name: string;
}

function listMigrations(): Migration[] {
  return readdirSync(folder)
    .filter((name) => /^\d{4}-[a-z-]+\.sql$/.test(name))
    .sort()
    .map((name) => ({ version: Number(name.slice(0, 4)), name }));
}

/** The schema version that this program writes. */
export function latestVersion(): number {
  return listMigrations().at(-1)?.version ?? 0;
}

export function schemaVersion(db: Db): number {
  return db.get<{ user_version: number }>('PRAGMA user_version')?.user_version ?? 0;
}

/**
 * Applies what is missing. A database that holds rows is copied to `backupPath` first.
 * Refuses (`unavailable`) a database written by a newer program.
 */
export function migrate(db: Db, backupPath?: (version: number) => string): void {
  const current = schemaVersion(db);
  const latest = latestVersion();
  if (current > latest) {
    throw new ForgeError(
      'unavailable',
      `The database has schema ${current}, but this program knows only ${latest}. Start the newer pika-git, or restore a backup.`,
    );
  }
  const missing = listMigrations().filter((migration) => migration.version > current);
  if (missing.length === 0) return;
  if (current > 0 && backupPath !== undefined) copyWhole(db, backupPath(current));
  for (const migration of missing) {
    const sql = readFileSync(new URL(migration.name, folder), 'utf8');
    db.transaction(() => {
      db.exec(sql);
      db.exec(`PRAGMA user_version = ${migration.version}`);
    });
  }
}

/** Under its name only when all of it is there: whoever needs it must be able to trust it. */
function copyWhole(db: Db, path: string): void {
  const draft = `${path}.draft`;
  rmSync(draft, { force: true });
  try {
    db.copyTo(draft);
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw new ForgeError(
      'unavailable',
      `The database could not be copied before its upgrade (${errorMessage(error)}), so it was left as it is. Make room on the disk, and start again.`,
      { cause: error },
    );
  }
}
