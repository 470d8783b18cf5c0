// What doctor says of the folder of backups.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { backUp } from '../../src/backups/back-up.ts';
import { SettableClock } from '../../src/lib/clock.ts';
import { backupParts } from '../../src/operator/examine-backups.ts';
import { examinePart, type Finding } from '../../src/operator/findings.ts';
import { useForge } from '../support/forge.ts';

const open = useForge();
const hour = 60 * 60_000;

let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'pika-backups-'));
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

test('doctor tells a folder that is gone, a backup that is old or was never finished, and mends the last', async () => {
  const folder = join(place, 'mounted');
  const clock = new SettableClock();
  const { forge } = await open({ clock, settings: { backups: { folder, everyHours: 24 } } });
  const examine = async (mend = false): Promise<Finding[]> => {
    const findings = await Promise.all(backupParts(forge).map((part) => examinePart(part, mend)));
    return findings.flat();
  };
  expect(await examine()).toMatchObject([{ level: 'error', what: expect.stringContaining('is not there') }]);
  mkdirSync(folder);
  expect(await examine()).toMatchObject([{ level: 'warning', what: expect.stringContaining('no backup') }]);
  await backUp(forge, { folder, program: '0', logs: true, artifacts: true });
  expect(await examine()).toMatchObject([{ level: 'ok' }]);

  clock.advance(49 * hour);
  mkdirSync(join(folder, 'backups/.draft-20260101T000000Z'));
  writeFileSync(join(folder, 'files/.tmp-x'), 'half');
  const old = { level: 'warning', what: 'the newest backup is 49 hours old, and one is to be made every 24' };
  expect(await examine(true)).toMatchObject([
    { level: 'mended', what: expect.stringContaining('.draft-') },
    { level: 'mended', what: expect.stringContaining('.tmp-x') },
    old,
  ]);
  expect(await examine()).toMatchObject([old]);
});

test('a forge without a folder for backups is not looked over for them', async () => {
  const { forge } = await open();
  expect(backupParts(forge)).toEqual([]);
});
