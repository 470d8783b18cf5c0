// Retention in the operator's hands: what would go and why, that looking removes nothing, and what goes on a full disk.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cacheEntryName } from '../../src/ci/lanes/cache-place.ts';
import { Keeping } from '../../src/ci/lanes/keeping.ts';
import { SettableClock } from '../../src/lib/clock.ts';
import { commandRequest, runCommand } from '../../src/operator/commands.ts';
import { openRetention } from '../../src/retention/open.ts';
import { retentionView } from '../../src/retention/model.ts';
import { retentionViewOf } from '../../src/retention/view.ts';
import { useForge, type TestForge } from '../support/forge.ts';
import { dayMs, makeRun } from './made-days.ts';

const open = useForge({ settings: { retention: { keepRuns: 0 } } });

function makeCache(it: TestForge, repoId: number, cache: { key: string; usedAt: number }): string {
  const folder = join(it.forge.config.paths.caches, String(repoId), 'default', cacheEntryName(cache.key));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, '0'), 'x');
  it.forge.db.run(
    `INSERT INTO ci_caches (repo_id, scope, key, bytes, created_at, used_at)
     VALUES (:repoId, 'default', :key, 1, :usedAt, :usedAt)`,
    { repoId, ...cache },
  );
  return folder;
}

test('a dry run says what would go and why, and removes nothing; a run removes it and is written down', async () => {
  const clock = new SettableClock();
  const it = await open({ clock });
  const repo = await it.repo('demo/app');
  const { folder } = makeRun(it, repo);
  const cache = makeCache(it, repo.id, { key: 'npm', usedAt: clock.now() });
  mkdirSync(join(it.forge.config.paths.lanes, '4711', '1'), { recursive: true });
  it.forge.db.run('INSERT INTO lfs_objects (oid, size, created_at) VALUES (:oid, 7, :now)', {
    oid: 'f'.repeat(64),
    now: clock.now(),
  });
  clock.advance(100 * dayMs);
  const ask = (dryRun: boolean) =>
    runCommand(it.forge, commandRequest.parse({ command: 'retention', dryRun }));
  const looked = await ask(true);
  expect(looked.text.split('\n')).toEqual([
    'artifacts    2026-01-01  artifacts of unit of run 1, attempt 1 (demo/app): older than 30 days',
    'log          2026-01-01  log of unit of run 1, attempt 1 (demo/app): older than 90 days',
    'large file   2026-01-01  large file ffffffffffff: no repository has had it for 7 days',
    expect.stringMatching(/^leftover {5}2026-04-11 {2}folder of attempt 4711: nothing knows of it/),
    'cache        2026-01-01  cache npm of default (demo/app): nobody used it for 30 days',
    'Would go: artifacts 1 (50 bytes), log 1 (100 bytes), large file 1 (7 bytes), leftover 1, cache 1 (1 bytes).',
  ]);
  expect(retentionView.parse(looked.json)).toMatchObject({ isCut: false, removed: [] });
  expect([folder, cache].map(existsSync)).toEqual([true, true]);

  const done = await ask(false);
  expect(done).toMatchObject({ ok: true, json: { failed: 0 } });
  expect([folder, cache, join(it.forge.config.paths.lanes, '4711')].map(existsSync)).toEqual([
    false,
    false,
    false,
  ]);
  expect((await ask(true)).text).toBe('Nothing would go.');
  const { removed } = await retentionViewOf(it.forge, new Keeping(it.forge), 10);
  expect(removed.map(({ kind }) => kind)).toEqual(['artifacts', 'cache', 'large file', 'leftover', 'log']);
  expect(it.forge.db.get("SELECT count(*) AS n FROM audit WHERE action = 'forge.retention'")).toEqual({
    n: 1,
  });
});

test('what cannot be removed stays for the next pass, keeps nothing else, and is told', async () => {
  const clock = new SettableClock();
  const it = await open({ clock });
  const repo = await it.repo('demo/app');
  const { folder } = makeRun(it, repo);
  clock.advance(100 * dayMs);
  const broken = { kind: 'cache', repoId: repo.id, what: 'x', why: 'y', bytes: 1, at: 0 } as const;
  const refuse = () => Promise.reject(new Error('it is busy'));
  const keeper = {
    outdated: () => Promise.resolve([{ ...broken, remove: refuse }]),
    relieve: () => Promise.resolve([]),
  };
  const retention = openRetention(it.forge, keeper);
  expect(await retention.run()).toMatchObject({ failed: 1 });
  await retention.stop();
  expect(existsSync(folder)).toBe(false);
});

test('a clock that is set back keeps nothing from going', async () => {
  const clock = new SettableClock();
  const it = await open({ clock });
  const { folder } = makeRun(it, await it.repo('demo/app'));
  clock.advance(400 * dayMs);
  const retention = openRetention(it.forge, new Keeping(it.forge));
  clock.advance(-200 * dayMs);
  retention.start();
  await expect.poll(() => existsSync(folder)).toBe(false);
  await retention.stop();
});

test('on a full disk what can be made again goes, though its time is not over', async () => {
  const it = await open({ settings: { limits: { minFreeMebibytes: 1_000_000_000_000 } } });
  const repo = await it.repo('demo/app');
  const now = it.forge.clock.now();
  const cache = makeCache(it, repo.id, { key: 'npm', usedAt: now });
  const { folder } = makeRun(it, repo);
  const retention = openRetention(it.forge, new Keeping(it.forge));
  retention.start();
  await expect.poll(() => existsSync(cache)).toBe(false);
  await retention.stop();
  expect(existsSync(folder)).toBe(true);
  const removed = it.forge.db.all('SELECT kind, count FROM retention_removals');
  expect(removed).toEqual([{ kind: 'cache', count: 1 }]);
});
