import { existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cacheEntryName } from '../../src/ci/lanes/cache-place.ts';
import { Keeping } from '../../src/ci/lanes/keeping.ts';
import { settleYield } from '../../src/ci/lanes/keep-yield.ts';
import { resolveKey } from '../../src/ci/lanes/lane-caches.ts';
import type { LaneResult, StartMessage } from '../../src/ci/lanes/lane-message.ts';
import { cacheFolderOf } from '../../src/ci/lanes/launch.ts';
import type { Run } from '../../src/ci/model.ts';
import { upsertCache } from '../../src/ci/lanes/yield-store.ts';
import { createRun } from '../support/made-run.ts';
import { useForge, type TestForge } from '../support/forge.ts';
import { laneStart, runLane } from '../support/lane-start.ts';

const open = useForge();
const patient = { timeout: 120_000 };

/** As the forge does it when the claim of the lane still stood. */
function putDown(it: TestForge, run: Run, { start, result }: { start: StartMessage; result: LaneResult }) {
  const { attemptId, token } = start;
  const lane = { attemptId, laneId: 1, runId: run.id, token };
  return settleYield(it.forge, lane, { result, isKept: true });
}

async function withRun() {
  const it = await open();
  const run = await createRun(it, 'branch');
  const folders = { cacheFolder: cacheFolderOf(it.forge, run) };
  return { it, run, folders };
}

const install =
  'cat store/x ~/.tool/y 2>/dev/null || true; mkdir -p store ~/.tool; echo made > store/x; echo tool > ~/.tool/y';
const caches = [{ key: 'k-${hash:lock}', paths: ['store', '~/.tool'] }];

test('what a lane put into its cache, the next lane of the same key finds', patient, async () => {
  const { it, run, folders } = await withRun();
  const files = { lock: 'one' };
  const first = await laneStart(it, { tier: 'none', files, command: install, caches, ...folders });
  const saved = await runLane(first);
  expect(saved.result.caches).toMatchObject([
    { outcome: 'saved', key: expect.stringMatching(/^k-[0-9a-f]{16}$/) },
  ]);
  await putDown(it, run, { start: first, result: saved.result });

  const again = await runLane(
    await laneStart(it, { tier: 'none', files, command: install, caches, ...folders }),
  );
  expect(again.result.caches).toMatchObject([{ outcome: 'hit' }]);
  expect(again.log).toContain('\nmade\ntool\n');
  expect(again.log).toMatch(/cache k-[0-9a-f]{16}: hit/);

  const other = await laneStart(it, {
    tier: 'none',
    files: { lock: 'two' },
    command: install,
    caches,
    ...folders,
  });
  const missed = await runLane(other);
  expect(missed.result.caches).toMatchObject([{ outcome: 'saved' }]);
  expect(missed.log).not.toContain('\nmade\n');
});

test('a lane of a lost claim, or one that failed, leaves no cache', patient, async () => {
  const { it, run, folders } = await withRun();
  const failed = await laneStart(it, { tier: 'none', command: `${install}; exit 1`, caches, ...folders });
  const { result } = await runLane(failed);
  expect(result.caches).toMatchObject([{ outcome: 'miss' }]);
  const lost = await laneStart(it, { tier: 'none', command: install, caches, ...folders });
  const end = await runLane(lost);
  expect(end.result.caches).toMatchObject([{ outcome: 'saved' }]);
  const lane = { attemptId: lost.attemptId, laneId: 1, runId: run.id, token: 1 };
  await settleYield(it.forge, lane, { result: end.result, isKept: false });
  expect(readdirSync(folders.cacheFolder)).toEqual([]);
  expect(it.forge.db.all('SELECT * FROM ci_caches')).toEqual([]);
});

test('a branch reads the caches of the default branch and never writes them', patient, async () => {
  const { it, run } = await withRun();
  const nightly = await createRun(it, 'nightly');
  const own = cacheFolderOf(it.forge, run);
  const shared = cacheFolderOf(it.forge, nightly);
  expect(own).not.toBe(shared);
  const order = { tier: 'none' as const, files: { lock: 'x' }, caches };
  const seed = await laneStart(it, { ...order, command: install, cacheFolder: shared, readableCaches: [] });
  await putDown(it, nightly, { start: seed, result: (await runLane(seed)).result });
  const before = readdirSync(shared);

  const poison = 'echo poison > store/x; cat store/x';
  const start = await laneStart(it, {
    ...order,
    command: poison,
    cacheFolder: own,
    readableCaches: [shared],
  });
  const { result } = await runLane(start);
  expect(result.caches).toMatchObject([{ outcome: 'hit', place: shared }]);
  await putDown(it, run, { start, result });
  expect(readdirSync(shared)).toEqual(before);
  expect(readFileSync(join(shared, before[0]!, '0', 'x'), 'utf8')).toBe('made\n');
  expect(existsSync(own)).toBe(false);
});

describe('a cache', () => {
  test('does not follow the links of a commit, out or in', patient, async () => {
    const { it, run, folders } = await withRun();
    const outside = join(it.folder, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'key'), 'a secret of the forge');
    const paths = { caches: [{ key: 'k', paths: ['way/inner', 'store'] }] };
    const steal = await laneStart(it, {
      tier: 'none',
      command: `ln -s ${it.folder} way; mkdir -p store; ln -s ${outside} store/link; echo x > store/x`,
      caches: [{ key: 'k', paths: ['way/outside', 'store'] }],
      ...folders,
    });
    const taken = await runLane(steal);
    const incoming = join(folders.cacheFolder, readdirSync(folders.cacheFolder)[0]!);
    expect(readdirSync(incoming).sort()).toEqual(['1', 'paths.json']);
    expect(lstatSync(join(incoming, '1', 'link')).isSymbolicLink()).toBe(true);
    await putDown(it, run, { start: steal, result: taken.result });

    const fill = await laneStart(it, {
      tier: 'none',
      command: 'mkdir -p way/inner store; echo new > way/inner/key; echo x > store/x',
      ...paths,
      ...folders,
    });
    await putDown(it, run, { start: fill, result: (await runLane(fill)).result });
    // The commit of the next lane has a link where the cache would be put.
    const spill = await laneStart(it, {
      tier: 'none',
      files: { 'a.txt': 'x' },
      command: 'ls; true',
      ...paths,
      ...folders,
    });
    const commit = await linkCommit(it, spill, { path: 'way', target: it.folder });
    const { result, log } = await runLane({ ...spill, commit });
    expect(result.caches).toMatchObject([{ outcome: 'miss' }]);
    expect(log).toContain('not used, because the commit has a file or folder way/inner of its own');
    expect(existsSync(join(it.folder, 'inner'))).toBe(false);
  });

  test('that is too large is not saved', patient, async () => {
    const { it, folders } = await withRun();
    const start = await laneStart(it, {
      tier: 'none',
      command: 'mkdir store; head -c 3000000 /dev/zero > store/x',
      caches: [{ key: 'big', paths: ['store'] }],
      maxCacheBytes: 2_000_000,
      ...folders,
    });
    const { result, log } = await runLane(start);
    expect(result.caches).toEqual([{ key: 'big', outcome: 'miss', bytes: 0 }]);
    expect(log).toContain('cache big: not saved (it is larger than 1.9 MiB)');
    expect(existsSync(folders.cacheFolder)).toBe(false);
  });

  test(
    'of other paths under the same key is not used, and the new one takes its place',
    patient,
    async () => {
      const { it, run, folders } = await withRun();
      for (const path of ['one', 'two', 'two']) {
        const start = await laneStart(it, {
          tier: 'none',
          command: `ls; mkdir -p ${path}; echo ${path} > ${path}/f`,
          caches: [{ key: 'k', paths: [path] }],
          ...folders,
        });
        const { result } = await runLane(start);
        await putDown(it, run, { start, result });
      }
      expect(readdirSync(folders.cacheFolder)).toEqual([cacheEntryName('k')]);
      expect(readFileSync(join(folders.cacheFolder, cacheEntryName('k'), '0', 'f'), 'utf8')).toBe('two\n');
    },
  );
});

test('the hash of a key is that of the names and contents of the files', patient, async () => {
  const it = await open();
  const keys = new Set<string>();
  for (const files of [{ a: '1' }, { a: '2' }, { b: '1' }, { a: '1', b: '1' }, {}] as Record<
    string,
    string
  >[]) {
    const work = join(it.folder, `work${keys.size}`);
    mkdirSync(work);
    for (const [name, text] of Object.entries(files)) writeFileSync(join(work, name), text);
    keys.add(await resolveKey(work, 'x-${hash:*}-${hash:none}'));
    expect(await resolveKey(work, 'x-${hash:*}-${hash:none}')).toBe([...keys].at(-1));
  }
  expect(keys.size).toBe(5);
});

test(
  'when a repository has too many caches, those go that were not used for the longest time',
  patient,
  async () => {
    const it = await open({ settings: { ci: { maxRepoCacheBytes: 250 } } });
    const run = await createRun(it, 'nightly');
    const folder = cacheFolderOf(it.forge, run);
    const start = it.forge.clock.now();
    for (const [at, key] of ['old', 'middle', 'new'].entries()) {
      mkdirSync(join(folder, cacheEntryName(key)), { recursive: true });
      upsertCache(it.forge.db, { repoId: run.repoId, scope: 'default', key, bytes: 100, now: start + at });
    }
    mkdirSync(join(folder, 'incoming-77-1-0'));
    mkdirSync(join(it.forge.config.paths.caches, '9999', 'default'), { recursive: true });
    await new Keeping(it.forge).pass();
    expect(readdirSync(folder).sort()).toEqual([cacheEntryName('middle'), cacheEntryName('new')].sort());
    expect(it.forge.db.all('SELECT key FROM ci_caches ORDER BY used_at')).toEqual([
      { key: 'middle' },
      { key: 'new' },
    ]);
    expect(readdirSync(it.forge.config.paths.caches)).toEqual([String(run.repoId)]);
  },
);

/** A commit on top of the lane's with a symbolic link in it. */
async function linkCommit(
  it: TestForge,
  start: StartMessage,
  link: { path: string; target: string },
): Promise<string> {
  const { git } = it.forge;
  const repo = join(start.objects, '..');
  const blob = await git.text(['hash-object', '-w', '--stdin'], { repo, input: link.target });
  const tree = await git.text(['mktree'], { repo, input: `120000 blob ${blob}\t${link.path}\n` });
  return git.text(['commit-tree', '-m', 'link', tree], { repo });
}
