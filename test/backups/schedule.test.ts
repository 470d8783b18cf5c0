// Backups by the clock and by the button, into the folder of the settings.
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { backupTrouble } from '../../src/backups/find.ts';
import { openBackups } from '../../src/backups/open.ts';
import { recentAudit } from '../../src/accounts/audit.ts';
import { SettableClock } from '../../src/lib/clock.ts';
import { useForge } from '../support/forge.ts';

const open = useForge();
const hour = 60 * 60_000;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pika-backups-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function openRoom(settings: Record<string, unknown>) {
  const clock = new SettableClock();
  const testForge = await open({ clock, settings: { backups: settings } });
  const { caller } = testForge.account('ada', 'admin');
  const room = openBackups(testForge.forge, { program: '0' });
  testForge.defer(() => room.stop());
  return { ...testForge, clock, caller, room };
}

test('one is made when the newest is old enough, and only so many are kept', async () => {
  const { room, clock } = await openRoom({ folder, everyHours: 24, keep: 2 });
  const names = (): string[] => readdirSync(join(folder, 'backups'));
  room.start();
  await room.loop.settled();
  const [first = ''] = names();
  clock.advance(23 * hour);
  room.loop.wake();
  await room.loop.settled();
  expect(names()).toEqual([first]);
  for (const wait of [hour, 24 * hour]) {
    clock.advance(wait);
    room.loop.wake();
    await room.loop.settled();
  }
  expect(names()).toHaveLength(2);
  expect(names()).not.toContain(first);
  // A clock that went ahead is set back: nobody waits a month for the next one.
  clock.advance(-30 * 24 * hour);
  room.loop.wake();
  await room.loop.settled();
  expect(await room.view()).toMatchObject({
    folder,
    running: null,
    failure: null,
    nextAt: new Date(clock.now() + 24 * hour).toISOString(),
    backups: [{ problems: [] }, { problems: [] }],
  });
});

test('one that is asked for is made at once, a second request meanwhile is refused, and both say who asked', async () => {
  const { forge, room, caller, clock } = await openRoom({ folder });
  room.start();
  await room.loop.settled();
  clock.advance(hour);
  room.want(caller);
  forge.events.on('backup-changed', () => {
    // The first word of the one that was asked for.
    if (asked.length === 0) asked.push(refusalOf(() => room.want(caller)));
  });
  const asked: string[] = [];
  await room.loop.settled();
  expect(asked).toEqual([expect.stringMatching(/^A backup runs since .*wait/)]);
  expect((await room.view()).backups).toHaveLength(2);
  const rows = recentAudit(forge, 10).filter(({ action }) => action === 'forge.backup');
  expect(rows.map(({ account }) => account)).toEqual(['ada', 'pika-git']);
});

test('a folder that is not there fails the loop with the way out, and the next one after it is made', async () => {
  const missing = join(folder, 'mounted');
  const { room } = await openRoom({ folder: missing });
  room.start();
  await room.loop.settled();
  expect(room.loop.status()).toMatchObject({
    state: 'failing',
    lastError: expect.stringMatching(/is not there\. Make it/),
  });
  mkdirSync(missing);
  room.loop.wake();
  await room.loop.settled();
  expect(room.loop.status().state).toBe('idle');
  expect((await room.view()).backups).toHaveLength(1);
});

test('without a folder the loop is off, a request is refused, and after a week somebody is told', async () => {
  const { forge, room, caller, clock } = await openRoom({});
  room.start();
  expect(room.loop.status()).toMatchObject({
    state: 'disabled',
    disabled: expect.stringContaining('[backups]'),
  });
  expect(refusalOf(() => room.want(caller))).toContain('No folder for backups is set');
  expect(backupTrouble(forge)).toBeUndefined();
  clock.advance(8 * 24 * hour);
  expect(backupTrouble(forge)).toMatchObject({ what: 'Nobody has made a backup for 7 days.' });
});

function refusalOf(order: () => void): string {
  try {
    order();
    return 'it was not refused';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
