// A lane that is stopped before its program runs.
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { cacheEntryName } from '../../src/ci/lanes/cache-place.ts';
import { findSurvivors } from '../../src/ci/lanes/survivors.ts';
import { useForge, type TestForge } from '../support/forge.ts';
import { laneStart, startLane } from '../support/lane-start.ts';

const open = useForge();
const patient = { timeout: 120_000 };

/** A program of that name that says it runs, and then hangs for longer than any test. */
function hanging(it: TestForge, name: string, when: string): { searchPath: string; runs: string } {
  const folder = join(it.folder, 'hanging');
  const runs = join(it.folder, 'runs');
  const path = it.forge.config.searchPath;
  mkdirSync(folder);
  const script = `#!/bin/sh\nPATH='${path}'\n${when} && { touch '${runs}'; sleep 600; }\nexec ${name} "$@"\n`;
  writeFileSync(join(folder, name), script);
  chmodSync(join(folder, name), 0o755);
  return { searchPath: `${folder}:${path}`, runs };
}

const seen = (path: string) =>
  vi.waitFor(() => expect(existsSync(path)).toBe(true), { timeout: 60_000, interval: 50 });

test.each(['cancelled', 'lost', 'requeue'] as const)(
  'a checkout that hangs is ended when the lane is %s',
  patient,
  async (cause) => {
    const it = await open();
    const start = await laneStart(it, { tier: 'none', command: 'echo never' });
    const { searchPath, runs } = hanging(it, 'git', 'test "$1" = read-tree');
    const { lane, ended, log } = startLane({ ...start, searchPath });
    await seen(runs);
    lane.stop(cause);
    expect(await ended).toEqual({ outcome: 'stopped', cause });
    expect(findSurvivors(start.cookie)).toEqual([]);
    expect(existsSync(start.folder)).toBe(false);
    expect(log()).not.toContain('never');
  },
);

test('a checkout that hangs is ended by the time limit of the lane', patient, async () => {
  const it = await open();
  const start = await laneStart(it, { tier: 'none', command: 'echo never', timeoutMs: 1500 });
  const { searchPath } = hanging(it, 'git', 'test "$1" = read-tree');
  const { ended } = startLane({ ...start, searchPath });
  expect(await ended).toMatchObject({ outcome: 'failed', failureKind: 'timeout' });
  expect(findSurvivors(start.cookie)).toEqual([]);
});

test('a cache that hangs on its way in is ended, too', patient, async () => {
  const it = await open();
  const caches = [{ key: 'k', paths: ['store'] }];
  const start = await laneStart(it, { tier: 'none', command: 'echo never', caches });
  const entry = join(start.cacheFolder, cacheEntryName('k'));
  mkdirSync(join(entry, '0'), { recursive: true });
  writeFileSync(join(entry, 'paths.json'), '["store"]');
  const { searchPath, runs } = hanging(it, 'cp', 'true');
  const { lane, ended } = startLane({ ...start, searchPath });
  await seen(runs);
  lane.stop('cancelled');
  expect(await ended).toEqual({ outcome: 'stopped', cause: 'cancelled' });
  expect(findSurvivors(start.cookie)).toEqual([]);
});

test('a commit of too many files gets no checkout', patient, async () => {
  const it = await open();
  const files = Object.fromEntries(Array.from({ length: 12 }, (_, number) => [`d/f${number}`, 'x']));
  const start = await laneStart(it, { tier: 'none', command: 'echo never', files, maxTreeFiles: 11 });
  await expect(startLane(start).ended).rejects.toThrow(
    'the commit has 12 files, more than the 11 that a lane may have',
  );
  expect(existsSync(start.folder)).toBe(false);
});
