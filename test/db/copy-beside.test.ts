import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Db } from '../../src/db/open.ts';

/** Files of this process that are open and lie in the folder. */
function openIn(folder: string): string[] {
  const links = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return '';
    }
  });
  return links.filter((path) => path.startsWith(folder));
}

test('a large database is copied whole, with what is written meanwhile, and nothing of a copy stays open', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pika-db-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const db = new Db(join(folder, 'forge.db'));
  onTestFinished(() => db.close());
  db.exec('CREATE TABLE large (content BLOB)');
  // More than is brought to the disk at a time.
  db.run('INSERT INTO large VALUES (zeroblob(24 * 1024 * 1024))');
  let steps = 0;
  await db.copyBeside(join(folder, 'copy.db'), () => {
    steps += 1;
    if (steps === 40) db.run("INSERT INTO large VALUES ('late')");
  });
  expect(steps).toBeGreaterThan(40);
  expect(openIn(join(folder, 'copy'))).toEqual([]);
  const copy = new Db(join(folder, 'copy.db'));
  expect(copy.get('SELECT count(*) AS rows, sum(length(content)) AS bytes FROM large')).toEqual({
    rows: 2,
    bytes: 24 * 1024 * 1024 + 4,
  });
  copy.close();
  const stopped = db.copyBeside(join(folder, 'copy-2.db'), () => {
    steps -= 1;
    if (steps === 0) throw new Error('no more');
  });
  await expect(stopped).rejects.toThrow('no more');
  expect(openIn(join(folder, 'copy'))).toEqual([]);
});
