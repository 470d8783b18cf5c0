// The database of a forge that was just opened for the first time. It is made once for all tests and copied, because every
// migration waits for the disk: that the migrations make it stands in test/db, and forges that are served make their own.
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../../src/forge/config.ts';
import { openForge } from '../../src/forge/open.ts';
import { createLog } from '../../src/lib/log.ts';

const migrations = new URL('../../src/db/migrations/', import.meta.url);
const opener = new URL('../../src/forge/open.ts', import.meta.url);
let made: string | undefined;

/** With the rights that the forge gave its file. */
export function layFreshDatabase(path: string): void {
  made ??= findOrMake();
  copyFileSync(made, path);
}

/** Its name tells what it was made by, so that one from before a change is not taken. */
function findOrMake(): string {
  const hash = createHash('sha256').update(readFileSync(opener));
  for (const name of readdirSync(migrations).sort()) hash.update(readFileSync(new URL(name, migrations)));
  const path = join(tmpdir(), `pika-fresh-${hash.digest('hex').slice(0, 16)}.db`);
  if (existsSync(path)) return path;
  const folder = mkdtempSync(join(tmpdir(), 'pika-fresh-'));
  const config = readConfig(folder, {}, { PATH: process.env['PATH'] });
  openForge(config, { log: createLog('silent') }).db.close();
  renameSync(config.paths.database, path);
  rmSync(folder, { recursive: true });
  return path;
}
