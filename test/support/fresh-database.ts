// A database of this program's schema without rows. It is made once for all tests and copied, because every migration
// waits for the disk: that the migrations make it stands in test/db, and forges that are served make their own.
import { createHash, randomUUID } from 'node:crypto';
import { copyFileSync, existsSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Db } from '../../src/db/open.ts';
import { migrate } from '../../src/db/migrate.ts';

const migrations = new URL('../../src/db/migrations/', import.meta.url);
let made: string | undefined;

export function layFreshDatabase(path: string): void {
  made ??= findOrMake();
  copyFileSync(made, path);
}

/** Its name tells the migrations it was made by, so that one from before a change is not taken. */
function findOrMake(): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(migrations).sort()) hash.update(readFileSync(new URL(name, migrations)));
  const path = join(tmpdir(), `pika-fresh-${hash.digest('hex').slice(0, 16)}.db`);
  if (existsSync(path)) return path;
  const draft = `${path}.${randomUUID()}`;
  const db = new Db(draft);
  migrate(db);
  db.close();
  renameSync(draft, path);
  return path;
}
