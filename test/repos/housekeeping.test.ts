import { existsSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Forge } from '../../src/forge/open.ts';
import { SettableClock } from '../../src/lib/clock.ts';
import { keepRepo } from '../../src/repos/housekeeping.ts';
import { lastHousekeeping, recentHousekeeping } from '../../src/repos/housekeeping-record.ts';
import { openHousekeeping } from '../../src/repos/housekeeping-loop.ts';
import { getRepo } from '../../src/repos/find.ts';
import { recordPush } from '../../src/repos/record-push.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';

const open = useForge();
const minute = 60_000;
const day = 24 * 60 * minute;

/** Small thresholds, so that little is much. */
const eager = { housekeeping: { maxLooseObjects: 5, minIndexedObjects: 5, maxLooseRefs: 3 } };

async function push(forge: Forge, place: { id: number; path: string }, text: string): Promise<void> {
  await pushFiles(forge.git, { repo: place.path, branch: 'main', files: { 'a.txt': text } });
  recordPush(forge, place.id);
}

async function openRepo(settings: object = eager) {
  const clock = new SettableClock(Date.now());
  const testForge = await open({ clock, settings: { ...settings } });
  const { forge } = testForge;
  const { id } = await testForge.repo('demo/app', { files: { 'a.txt': 'a\n', 'b.txt': 'b\n' } });
  const path = testForge.repoFolder(getRepo(forge, id));
  recordPush(forge, id);
  return { ...testForge, clock, id, path, current: () => getRepo(forge, id) };
}

function leave(path: string, minutes: number): void {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, '');
  const at = (Date.now() - minutes * minute) / 1000;
  utimesSync(path, at, at);
}

describe('looking after a repository', () => {
  test('leaves one in order as it is, and writes nothing down', async () => {
    const { forge, id, current } = await openRepo({});
    expect(await keepRepo(forge, current())).toEqual({ outcome: 'nothing to do' });
    expect(lastHousekeeping(forge, id)).toBeUndefined();
  });

  test('does what is due, and writes down what it did and how large it was before and after', async () => {
    const { forge, id, current, path, clock } = await openRepo();
    for (const text of ['1\n', '2\n']) await push(forge, { id, path }, text);
    clock.advance(1);
    const answer = await keepRepo(forge, current());
    expect(answer).toMatchObject({ outcome: 'kept', housekeeping: { state: 'done', error: undefined } });
    expect(lastHousekeeping(forge, id)).toMatchObject({
      state: 'done',
      steps: [{ step: 'repack' }, { step: 'commit graph' }],
      before: { packs: 0, looseObjects: 10 },
      after: { packs: 1, looseObjects: 0, hasBitmap: true, hasCommitGraph: true },
      startedAt: clock.now(),
      endedAt: clock.now(),
      sweptAt: undefined,
    });
    expect(await keepRepo(forge, current())).toEqual({ outcome: 'nothing to do' });
  });

  test('does every step but the sweep when somebody asks', async () => {
    const { forge, current } = await openRepo({});
    expect(await keepRepo(forge, current(), { everything: true })).toMatchObject({
      housekeeping: { steps: [{ step: 'pack refs' }, { step: 'repack' }, { step: 'commit graph' }] },
    });
  });

  test('waits while a push is in quarantine, whoever asks', async () => {
    const { forge, id, current, path } = await openRepo();
    for (const text of ['1\n', '2\n']) await push(forge, { id, path }, text);
    mkdirSync(join(path, 'objects/tmp_objdir-incoming-AbCdEf'));
    expect(await keepRepo(forge, current(), { everything: true })).toEqual({ outcome: 'put off' });
    expect(lastHousekeeping(forge, id)).toBeUndefined();
    rmSync(join(path, 'objects/tmp_objdir-incoming-AbCdEf'), { recursive: true });
    expect(await keepRepo(forge, current())).toMatchObject({ outcome: 'kept' });
  });

  test('takes leftovers away first, and says so', async () => {
    const { forge, id, current, path } = await openRepo({});
    leave(join(path, 'refs/heads/main.lock'), 61);
    leave(join(path, 'packed-refs.lock'), 59);
    await keepRepo(forge, current());
    expect(lastHousekeeping(forge, id)).toMatchObject({ state: 'done', steps: [{ step: 'leftovers' }] });
    expect(existsSync(join(path, 'refs/heads/main.lock'))).toBe(false);
    expect(existsSync(join(path, 'packed-refs.lock'))).toBe(true);
  });

  test('goes on after a step that fails, and says why it did without the paths of the machine', async () => {
    const { forge, id, current, path, folder } = await openRepo();
    for (const text of ['1\n', '2\n']) await push(forge, { id, path }, text);
    leave(join(path, 'objects/pack/multi-pack-index.lock'), 1);
    await keepRepo(forge, current());
    const last = lastHousekeeping(forge, id);
    expect(last).toMatchObject({ state: 'failed', steps: [{ step: 'commit graph' }] });
    expect(last?.error).toBe("repack: Unable to create 'objects/pack/multi-pack-index.lock': File exists.");
    expect(last?.error).not.toContain(folder);
    rmSync(join(path, 'objects/pack/multi-pack-index.lock'));
    await keepRepo(forge, current());
    expect(lastHousekeeping(forge, id)).toMatchObject({ state: 'done', error: undefined });
  });

  test('sweeps every five days at most, and only after a push', async () => {
    const { forge, id, current, path, clock } = await openRepo({});
    const swept = async (): Promise<boolean> => {
      const before = lastHousekeeping(forge, id)?.sweptAt;
      await keepRepo(forge, current(), { everything: true });
      return lastHousekeeping(forge, id)?.sweptAt !== before;
    };
    expect(await swept()).toBe(false);
    clock.advance(5 * day);
    await push(forge, { id, path }, '1\n');
    expect(await swept()).toBe(true);
    clock.advance(day);
    await push(forge, { id, path }, '2\n');
    expect(await swept()).toBe(false);
    clock.advance(4 * day);
    expect(await swept()).toBe(true);
    clock.advance(50 * day);
    expect(await swept()).toBe(false);
  });

  test('is done for one repository at a time, however many are asked for', async () => {
    const testForge = await open();
    const { forge } = testForge;
    const repos = await Promise.all(
      ['one', 'two', 'three'].map((name) => testForge.repo(`demo/${name}`, { files: { a: `${name}\n` } })),
    );
    const seen: string[] = [];
    forge.events.on(
      'housekeeping-changed',
      ({ repoId }) => void seen.push(`${repoId} ${lastHousekeeping(forge, repoId)?.state}`),
    );
    await Promise.all(repos.map((repo) => keepRepo(forge, repo, { everything: true })));
    expect(seen).toEqual(repos.flatMap(({ id }) => [`${id} running`, `${id} done`]));
  });
});

describe('the loop', () => {
  async function openLoop() {
    const opened = await openRepo();
    const { forge, id, path, clock } = opened;
    for (const text of ['1\n', '2\n']) await push(forge, { id, path }, text);
    clock.advance(1);
    const housekeeping = openHousekeeping(forge);
    opened.defer(() => housekeeping.stop());
    const pass = async (): Promise<number | undefined> => {
      housekeeping.loop.wake();
      await housekeeping.loop.settled();
      return lastHousekeeping(forge, id)?.startedAt;
    };
    housekeeping.start();
    await housekeeping.loop.settled();
    return { ...opened, housekeeping, pass };
  }

  test('looks at a repository again ten minutes after it was pushed to', async () => {
    const { forge, id, path, clock, pass } = await openLoop();
    const first = lastHousekeeping(forge, id)?.startedAt;
    expect(first).toBe(clock.now());
    clock.advance(minute);
    await push(forge, { id, path }, '3\n');
    expect(await pass()).toBe(first);
    clock.advance(8 * minute);
    expect(await pass()).toBe(first);
    clock.advance(minute);
    expect(await pass()).toBe(clock.now());
  });

  test('goes on when the clock is set back', async () => {
    const { path, clock, pass } = await openLoop();
    leave(join(path, 'refs/heads/main.lock'), 61);
    clock.advance(-day);
    await pass();
    expect(existsSync(join(path, 'refs/heads/main.lock'))).toBe(false);
  });

  test('takes leftovers out of a quiet repository within the hour', async () => {
    const { path, clock, pass } = await openLoop();
    leave(join(path, 'refs/heads/main.lock'), 61);
    clock.advance(59 * minute);
    await pass();
    expect(existsSync(join(path, 'refs/heads/main.lock'))).toBe(true);
    clock.advance(minute);
    await pass();
    expect(existsSync(join(path, 'refs/heads/main.lock'))).toBe(false);
  });

  test('does everything at once for who asks, and asks again by itself while a push is in quarantine', async () => {
    const { id, path, clock, pass, housekeeping, forge } = await openLoop();
    clock.advance(minute);
    mkdirSync(join(path, 'objects/tmp_objdir-incoming-AbCdEf'));
    housekeeping.want([id]);
    await housekeeping.loop.settled();
    expect(housekeeping.wanted().has(id)).toBe(true);
    rmSync(join(path, 'objects/tmp_objdir-incoming-AbCdEf'), { recursive: true });
    expect(await pass()).toBe(clock.now());
    expect(lastHousekeeping(forge, id)?.steps.map(({ step }) => step)).toEqual([
      'pack refs',
      'repack',
      'commit graph',
    ]);
    expect(housekeeping.wanted().has(id)).toBe(false);
  });

  test('goes on to the next repository when one cannot be read', async () => {
    const opened = await openLoop();
    const { forge, path, clock, housekeeping, id } = opened;
    const other = await opened.repo('demo/other', { files: { a: 'a\n' } });
    rmSync(path, { recursive: true });
    clock.advance(61 * minute);
    housekeeping.want([id, other.id]);
    await housekeeping.loop.settled();
    expect(lastHousekeeping(forge, other.id)).toMatchObject({ state: 'done' });
    expect(lastHousekeeping(forge, id)).toMatchObject({
      state: 'failed',
      error: 'its bare repository is gone',
    });
    expect(housekeeping.loop.status().state).toBe('idle');
  });

  test('ends what it does when the forge stops, and says that it was interrupted', async () => {
    const { forge, id, housekeeping } = await openLoop();
    const begun = forge.events.next('housekeeping-changed');
    housekeeping.want([id]);
    await begun;
    await housekeeping.stop();
    expect(lastHousekeeping(forge, id)).toMatchObject({ state: 'interrupted', error: undefined });
  });

  test('says of what ran when the forge was killed that it was interrupted', async () => {
    const { forge, id } = await openLoop();
    forge.db.exec(`UPDATE housekeeping SET state = 'running', ended_at = NULL`);
    openHousekeeping(forge);
    expect(recentHousekeeping(forge, 10)).toMatchObject([{ repoId: id, state: 'interrupted' }]);
  });
});
