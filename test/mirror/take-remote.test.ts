// The hold on a remote: what a sync that was given up still says counts for nothing, also when somebody else holds it now.
import { expect, test } from 'vitest';
import { SettableClock } from '../../src/lib/clock.ts';
import { Slots } from '../../src/lib/slot.ts';
import type { SyncCause } from '../../src/mirror/model.ts';
import { openMirrors } from '../../src/mirror/open.ts';
import { addMirror } from '../../src/mirror/set-mirror.ts';
import { findRemote } from '../../src/mirror/remote-store.ts';
import { listSyncRows } from '../../src/mirror/sync-store.ts';
import {
  endSync,
  recoverSyncs,
  stillHolds,
  takeRemote,
  type SyncOutcome,
} from '../../src/mirror/take-remote.ts';
import { useForge } from '../support/forge.ts';
import { mirrorSettings } from './stage-mirror.ts';

const open = useForge();
const done: SyncOutcome = {
  state: 'done',
  pushed: 3,
  deleted: 0,
  refused: 0,
  diverged: 0,
  isSoon: false,
  message: undefined,
};
const failed: SyncOutcome = { ...done, state: 'failed', isSoon: true, message: 'too late' };

async function stage() {
  const clock = new SettableClock();
  const it = await open({ clock, settings: mirrorSettings });
  const { forge } = it;
  const repo = await it.repo('ada/app', { files: { 'a.txt': 'a\n' } });
  // Never started: nobody but the test takes the remote.
  await openMirrors(forge);
  const request = {
    name: 'far',
    url: 'file:///nowhere/far.git',
    patterns: ['refs/heads/*'],
    credential: { kind: 'none' as const },
    statuses: '',
    active: true,
  };
  const { id } = addMirror(forge, { repo, caller: it.account('ada', 'admin').caller, request });
  const remote = () => findRemote(forge.db, id)!;
  // Each as if it were a program of its own: the slot of one that hangs keeps no other from it.
  const take = (cause: SyncCause = 'manual') => takeRemote(forge, new Slots(), { remote: remote(), cause });
  const syncs = () => listSyncRows(forge.db, { remoteId: id, beforeId: null, limit: 10 });
  const end = (hold: NonNullable<ReturnType<typeof take>>, outcome: SyncOutcome) =>
    endSync(forge, hold, { remote: remote(), outcome });
  return { forge, clock, remote, take, syncs, end };
}

test('what a remote refused is not before it again when it is tried for what it failed at', async () => {
  const { clock, remote, take, end } = await stage();
  const refused: SyncOutcome = { ...done, state: 'partial', refused: 29 };
  const again = () => take('change')!;
  const first = again();
  expect(first.triesRefused).toBe(true);
  end(first, { ...refused, isSoon: true, message: '9 not sent yet' });
  clock.advance(60_000);
  const second = again();
  expect(second.triesRefused).toBe(false);
  end(second, refused);
  expect(remote().restsUntil).toBe(clock.now() + 30 * 60_000);
  clock.advance(30 * 60_000);
  expect(again().triesRefused).toBe(true);
});

test.each([
  ['done', done],
  ['failed', failed],
])('a sync whose hold another has by now writes nothing, however it ends: %s', async (_state, outcome) => {
  const { forge, clock, remote, take, syncs, end } = await stage();
  const lost = take()!;
  expect(take()).toBeUndefined();
  clock.advance(remote().leaseUntil! - clock.now() + 1);
  recoverSyncs(forge, { isStart: false });
  expect(stillHolds(forge, lost)).toBe(false);
  const held = take()!;
  expect(held.token).toBeGreaterThan(lost.token);
  const before = { remote: remote(), syncs: syncs() };
  expect(before.syncs.map(({ state }) => state)).toEqual(['running', 'interrupted']);
  end(lost, outcome);
  expect({ remote: remote(), syncs: syncs() }).toEqual(before);
  expect([stillHolds(forge, lost), stillHolds(forge, held)]).toEqual([false, true]);

  end(held, done);
  expect(remote()).toMatchObject({ failures: 0, leaseUntil: undefined, done: held.generation });
  expect(syncs().map(({ state }) => state)).toEqual(['done', 'interrupted']);
  // Told twice, it counts once.
  const after = { remote: remote(), syncs: syncs() };
  end(held, failed);
  expect({ remote: remote(), syncs: syncs() }).toEqual(after);
});
