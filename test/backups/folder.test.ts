// The folder of backups itself: whose it is, in which order its backups stand, who writes into it.
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statfsSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { backUp, type BackedUp } from '../../src/backups/back-up.ts';
import { listBackupNames, makeBackupFolder, nameFor } from '../../src/backups/folder.ts';
import { withFolderLock } from '../../src/backups/lock-folder.ts';
import { checkPlace } from '../../src/backups/place.ts';
import { pruneBackups } from '../../src/backups/prune.ts';
import { SettableClock } from '../../src/lib/clock.ts';
import { useForge } from '../support/forge.ts';
import { mountSmallDisk, smallDiskProblem, unmountSmallDisk } from '../support/small-disk.ts';
import { testUnless } from '../support/where-installed.ts';

const open = useForge();
const mebibyte = 1024 * 1024;

let place: string;
let isMounted = false;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'pika-backups-'));
});
afterEach(() => {
  if (isMounted) unmountSmallDisk(join(place, 'disk'));
  isMounted = false;
  rmSync(place, { recursive: true, force: true });
});

function write(path: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, 'mine');
  return path;
}

test('what lay in a folder before the first backup is neither taken for a part of one nor removed', async () => {
  const other = join(place, 'data-of-another-forge');
  const pack = write(join(other, `repos/1.git/objects/pack/pack-${'a'.repeat(40)}.pack`));
  await expect(makeBackupFolder(other)).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringMatching(/repos is there and belongs to no backup\. Name another folder/),
  });
  expect(existsSync(pack)).toBe(true);

  const own = join(place, 'disk');
  const before = [write(join(own, 'photos/1.jpg')), write(join(own, 'lost+found/x'))];
  await makeBackupFolder(own);
  const beside = [
    'files/photos/1.jpg',
    'files/ab/notes',
    'files/list',
    'repos/1-old/HEAD',
    'repos/x.git/HEAD',
  ];
  const kept = [...before, ...beside.map((path) => write(join(own, path)))];
  const [unneeded, skeleton] = [`files/ab/${'ab'.repeat(32)}`, 'repos/7.git/HEAD'].map((path) =>
    write(join(own, path)),
  );
  await makeBackupFolder(own);
  await pruneBackups(own, 1);
  expect([unneeded, skeleton].map((path) => existsSync(path ?? ''))).toEqual([false, false]);
  expect(kept.filter((path) => !existsSync(path))).toEqual([]);
});

test('the names of backups stand in the order in which they were made, also when the clock was set back', () => {
  const [then, now] = [Date.UTC(2030, 0, 1), Date.UTC(2026, 0, 1)];
  const names: string[] = [];
  for (const at of [now, then, now, now + 1000]) names.push(nameFor(at, names));
  expect(names).toEqual(['20260101T000000Z', '20300101T000000Z', '20300101T000000Z-2', '20300101T000000Z-3']);
});

test('after the clock was set back the newest backup stays, and its lock keeps nobody out', async () => {
  const clock = new SettableClock();
  const { forge } = await open({ clock });
  const folder = join(place, 'vault');
  const back = (): Promise<BackedUp> =>
    backUp(forge, { folder, program: '0', logs: true, artifacts: true, keep: 1 });
  await back();
  clock.advance(-60_000);
  const { name } = await back();
  expect(await listBackupNames(folder)).toEqual([name]);
  const lock = write(join(folder, 'lock'));
  utimesSync(lock, Date.now() / 1000 + 3600, Date.now() / 1000 + 3600);
  expect(await withFolderLock(folder, () => Promise.resolve('free'))).toBe('free');
});

test('a folder that a link at the top of the data leads to is within the data', () => {
  const [data, large] = [join(place, 'data'), join(place, 'large')];
  for (const path of [data, join(large, 'lanes')]) mkdirSync(path, { recursive: true });
  symlinkSync(join(large, 'lanes'), join(data, 'lanes'));
  expect(() => checkPlace(data, join(large, 'lanes/vault'))).toThrow(/lost together with it/);
  expect(() => checkPlace(data, join(large, 'vault'))).not.toThrow();
});

testUnless(smallDiskProblem(), 'a disk of backups that is full or read-only')(
  'a disk that is full or read-only keeps nothing of a backup and is told, and the next one is whole',
  async () => {
    const { forge } = await open();
    const folder = join(place, 'disk');
    mountSmallDisk(folder, 96);
    isMounted = true;
    const back = (onDoing?: (doing: string) => void): Promise<BackedUp> =>
      backUp(forge, { folder, program: '0', logs: true, artifacts: true, ...(onDoing && { onDoing }) });
    const { name } = await back();
    writeFileSync(join(forge.config.paths.data, 'large'), Buffer.alloc(8 * mebibyte, 'x'));
    // There is room at first; then somebody else takes it.
    const fill = (doing: string): void => {
      if (!/^copies \d+ file/.test(doing)) return;
      const { bavail, bsize } = statfsSync(folder);
      execFileSync('fallocate', ['--length', String(bavail * bsize - 2 * mebibyte), join(folder, 'ballast')]);
    };
    await expect(back(fill)).rejects.toThrow(/became full .*Nothing of this backup was kept/);
    rmSync(join(folder, 'ballast'));
    expect(await listBackupNames(folder)).toEqual([name]);
    execFileSync('mount', ['-o', 'remount,ro', folder]);
    await expect(back()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/EROFS.*Nothing of it was kept\. .*ReadWritePaths/),
    });
    execFileSync('mount', ['-o', 'remount,rw', folder]);
    await back();
    expect(await listBackupNames(folder)).toHaveLength(2);
  },
);
