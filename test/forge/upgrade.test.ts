import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  statfsSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { latestVersion, schemaVersion } from '../../src/db/migrate.ts';
import { Db } from '../../src/db/open.ts';
import { readConfig } from '../../src/forge/config.ts';
import { openForge } from '../../src/forge/open.ts';
import { createLog } from '../../src/lib/log.ts';
import { mountSmallDisk, smallDiskProblem, unmountSmallDisk } from '../support/small-disk.ts';
import { testUnless } from '../support/where-installed.ts';

const migrations = fileURLToPath(new URL('../../src/db/migrations/', import.meta.url));

test('an older database is copied before it is upgraded, and only the newest copies stay', () => {
  const data = mkdtempSync(join(tmpdir(), 'pika-upgrade-'));
  try {
    const old = new Db(join(data, 'forge.db'));
    const older = readdirSync(migrations).filter((name) => name < '0006');
    for (const name of older.sort()) old.exec(readFileSync(join(migrations, name), 'utf8'));
    old.exec('PRAGMA user_version = 5');
    old.close();
    chmodSync(join(data, 'forge.db'), 0o644);
    mkdirSync(join(data, 'backups'));
    // By the time they were made, whatever their names say.
    for (const [age, name] of ['before-schema-9-1.db', 'before-schema-2-2.db', 'mine.db'].entries()) {
      writeFileSync(join(data, 'backups', name), '');
      utimesSync(join(data, 'backups', name), age + 1, age + 1);
    }
    writeFileSync(join(data, 'backups', 'before-schema-3-1.db.draft'), 'half');
    const settings = { backups: { keepBeforeUpgrade: 2 } };
    const forge = openForge(readConfig(data, settings, {}), { log: createLog('silent') });
    expect(schemaVersion(forge.db)).toBe(latestVersion());
    forge.db.close();
    // Older programs left it open to the machine, and doctor would call that a fault.
    expect(statSync(join(data, 'forge.db')).mode & 0o077).toBe(0);
    const copies = readdirSync(join(data, 'backups')).sort();
    expect(copies).toEqual([
      'before-schema-2-2.db',
      expect.stringMatching(/^before-schema-6-\d+\.db$/),
      'mine.db',
    ]);
    const copy = new Db(join(data, 'backups', copies[1] ?? ''));
    expect(schemaVersion(copy)).toBe(5);
    copy.close();
  } finally {
    rmSync(data, { recursive: true });
  }
});

testUnless(smallDiskProblem(), 'the start on a full disk')(
  'a start on a disk that is full says so, and not that the database is damaged',
  () => {
    const place = mkdtempSync(join(tmpdir(), 'pika-full-'));
    mountSmallDisk(place, 4);
    try {
      const config = readConfig(join(place, 'data'), {}, {});
      openForge(config, { log: createLog('silent') }).db.close();
      writeFileSync(join(place, 'filler'), Buffer.alloc(statfsSync(place).bavail * statfsSync(place).bsize));
      expect(() => openForge(config)).toThrow(/The disk of .* is full.*nothing is lost/);
    } finally {
      unmountSmallDisk(place);
      rmSync(place, { recursive: true });
    }
  },
);
