import { existsSync, readdirSync, rmSync, utimesSync, writeFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  doStep,
  dropIndexes,
  dueSteps,
  restoreSwept,
  type HousekeepingStep,
} from '../../src/git/housekeeping.ts';
import { closeReaders } from '../../src/git/object-reader.ts';
import { readBlob } from '../../src/git/objects.ts';
import { measureRepo, type RepoExtent } from '../../src/git/repo-extent.ts';
import type { Git } from '../../src/git/run.ts';
import {
  isReceiving,
  listStaleFiles,
  removeLeftPackedRefs,
  removeStaleFiles,
} from '../../src/git/stale-files.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';

const open = useForge();
const thresholds = { maxLooseObjects: 100, maxPacks: 5, maxLooseRefs: 10, minIndexedObjects: 50 };
const graceSeconds = 14 * 24 * 60 * 60;
const minute = 60_000;

/** A bare repository with a main branch of some commits. */
async function openRepo(
  commits = 3,
): Promise<{ git: Git; repo: string; step: (name: HousekeepingStep) => Promise<void> }> {
  const testForge = await open();
  const { forge } = testForge;
  const repo = testForge.repoFolder(await testForge.repo('demo/app'));
  for (let index = 1; index <= commits; index += 1) {
    await pushFiles(forge.git, { repo, branch: 'main', files: { [`file-${index}.txt`]: `${index}\n` } });
  }
  const options = { repo, timeoutMs: 20_000, graceSeconds };
  return { git: forge.git, repo, step: (name) => doStep(forge.git, name, options) };
}

/** Makes everything in the object store of the repository look as old as that. */
function age(repo: string, seconds: number, folder = 'objects'): void {
  const at = Date.now() / 1000 - seconds;
  for (const entry of readdirSync(join(repo, folder), { withFileTypes: true, recursive: true })) {
    utimesSync(join(entry.parentPath, entry.name), at, at);
  }
}

const has = async (git: Git, repo: string, oid: string): Promise<boolean> =>
  (await git.run(['cat-file', '-e', oid], { repo, accept: [1, 128] })).exitCode === 0;

const fsck = (git: Git, repo: string) => git.run(['fsck', '--full', '--strict'], { repo });

describe('what is due', () => {
  const extent: RepoExtent = {
    looseObjects: 10,
    packedObjects: 100,
    packs: 1,
    bytes: 1000,
    looseRefs: 1,
    hasBitmap: true,
    hasCommitGraph: true,
  };
  const quiet = { sweepIsDue: false, hasNewCommits: false };

  test('nothing in a repository that is in order', () => {
    expect(dueSteps(extent, thresholds, quiet)).toEqual([]);
  });

  test.each<[string, Partial<RepoExtent>, HousekeepingStep[]]>([
    ['many loose objects', { looseObjects: 101 }, ['repack']],
    ['many packs', { packs: 6 }, ['repack']],
    ['many loose refs', { looseRefs: 11 }, ['pack refs']],
    ['a large repository without a bitmap', { hasBitmap: false }, ['repack']],
    ['a large repository without a commit-graph', { hasCommitGraph: false }, ['commit graph']],
    ['a small one without either', { packedObjects: 1, hasBitmap: false, hasCommitGraph: false }, []],
    ['an empty one', { looseObjects: 0, packedObjects: 0, looseRefs: 99 }, []],
  ])('%s', (_what, change, steps) => {
    expect(dueSteps({ ...extent, ...change }, thresholds, quiet)).toEqual(steps);
  });

  test('a sweep stands in for a repack, and is never done merely because somebody asks', () => {
    const scattered = { ...extent, packs: 9 };
    expect(dueSteps(scattered, thresholds, { ...quiet, sweepIsDue: true })).toEqual(['sweep']);
    expect(dueSteps(extent, thresholds, { ...quiet, everything: true })).toEqual([
      'pack refs',
      'repack',
      'commit graph',
    ]);
  });
});

test('loose objects and refs become packs with one index, a bitmap and a commit-graph', async () => {
  const { git, repo, step } = await openRepo();
  for (const name of ['one', 'two'])
    await git.run(['update-ref', `refs/pika/heads/1/${name}`, 'main'], { repo });
  const before = await measureRepo(git, repo);
  expect(before).toMatchObject({ packs: 0, looseRefs: 3, hasBitmap: false, hasCommitGraph: false });
  expect(before.looseObjects).toBeGreaterThan(5);
  for (const name of ['pack refs', 'repack', 'commit graph'] as const) await step(name);
  expect(await measureRepo(git, repo)).toMatchObject({
    looseObjects: 0,
    packedObjects: before.looseObjects,
    packs: 1,
    looseRefs: 0,
    hasBitmap: true,
    hasCommitGraph: true,
  });
  expect(existsSync(join(repo, 'objects/pack/multi-pack-index'))).toBe(true);
  // The chunk of the commit-graph format that holds the Bloom filters (gitformat-commit-graph(5)).
  const [graph = ''] = readdirSync(join(repo, 'objects/info/commit-graphs')).filter((name) =>
    name.endsWith('.graph'),
  );
  expect(readFileSync(join(repo, 'objects/info/commit-graphs', graph)).includes('BDAT')).toBe(true);
  await fsck(git, repo);
});

test('a second time, and in an empty repository, the same steps change nothing', async () => {
  const { git, repo, step } = await openRepo();
  const steps = ['pack refs', 'repack', 'commit graph', 'sweep'] as const;
  for (const name of steps) await step(name);
  const before = await measureRepo(git, repo);
  for (const name of steps) await step(name);
  expect(await measureRepo(git, repo)).toEqual(before);
  const empty = await openRepo(0);
  for (const name of steps) await empty.step(name);
});

test('a pack that is large beside the new ones is left as it is', async () => {
  const { git, repo, step } = await openRepo(60);
  await step('repack');
  const [large = ''] = readdirSync(join(repo, 'objects/pack')).filter((name) => name.endsWith('.pack'));
  await pushFiles(git, { repo, branch: 'main', files: { 'more.txt': 'more\n' } });
  await step('repack');
  const packs = readdirSync(join(repo, 'objects/pack')).filter((name) => name.endsWith('.pack'));
  expect(packs).toHaveLength(2);
  expect(packs).toContain(large);
  await fsck(git, repo);
});

test('a process that reads objects goes on reading when the packs it has opened are replaced', async () => {
  const { git, repo, step } = await openRepo(8);
  onTestFinished(() => closeReaders(git));
  const tip = async () => git.text(['rev-parse', 'refs/heads/main'], { repo });
  const read = async (path: string) =>
    (await readBlob(git, repo, `${await tip()}:${path}`, 1000))?.toString();
  await step('repack');
  expect(await read('file-1.txt')).toBe('1\n');
  for (const [index, name] of (['repack', 'sweep', 'commit graph', 'repack', 'sweep'] as const).entries()) {
    await pushFiles(git, { repo, branch: 'main', files: { [`more-${index}.txt`]: `${index}\n` } });
    await step(name);
    // One that was never read before, so that it has to be found where it lies now.
    expect(await read(`file-${index + 2}.txt`)).toBe(`${index + 2}\n`);
    expect(await read(`more-${index}.txt`)).toBe(`${index}\n`);
  }
});

describe('a sweep', () => {
  test('takes away what nothing has reached for the time of grace, and keeps younger things', async () => {
    const { git, repo, step } = await openRepo();
    const old = await git.text(['hash-object', '-w', '--stdin'], { repo, input: 'nobody wants this\n' });
    age(repo, graceSeconds + 60);
    const young = await git.text(['hash-object', '-w', '--stdin'], { repo, input: 'written just now\n' });
    await step('sweep');
    expect([await has(git, repo, old), await has(git, repo, young)]).toEqual([false, true]);
    await fsck(git, repo);
  });

  test('keeps every head that was reviewed, after a force-push, a deletion and any time', async () => {
    const { git, repo, step } = await openRepo();
    const reviewed = await pushFiles(git, {
      repo,
      branch: 'topic',
      from: 'refs/heads/main',
      files: { a: '1\n' },
    });
    await git.run(['update-ref', 'refs/pika/heads/1/1', reviewed], { repo });
    const forced = await pushFiles(git, {
      repo,
      branch: 'topic',
      from: 'refs/heads/main',
      files: { a: '2\n' },
    });
    await git.run(['update-ref', 'refs/pika/heads/1/2', forced], { repo });
    await git.run(['update-ref', '-d', 'refs/heads/topic'], { repo });
    const unpinned = await pushFiles(git, {
      repo,
      branch: 'gone',
      from: 'refs/heads/main',
      files: { a: '3\n' },
    });
    await git.run(['update-ref', '-d', 'refs/heads/gone'], { repo });
    for (const name of ['pack refs', 'repack'] as const) await step(name);
    age(repo, 400 * 24 * 60 * 60);
    await step('sweep');
    for (const oid of [reviewed, forced]) {
      expect(await git.text(['show', `${oid}:a`], { repo })).toMatch(/^[12]$/);
    }
    expect(await has(git, repo, unpinned)).toBe(false);
    await fsck(git, repo);
  });

  test('gives back what it took away when something misses it after all', async () => {
    const { git, repo, step } = await openRepo();
    const wanted = await pushFiles(git, {
      repo,
      branch: 'topic',
      from: 'refs/heads/main',
      files: { a: '1\n' },
    });
    await git.run(['update-ref', '-d', 'refs/heads/topic'], { repo });
    age(repo, graceSeconds + 60);
    await step('sweep');
    expect(await has(git, repo, wanted)).toBe(false);
    // What a push does that git checked before the sweep: its ref is written without another look.
    writeFileSync(join(repo, 'refs/heads/topic'), `${wanted}\n`);
    await step('sweep');
    expect(await git.text(['show', 'refs/heads/topic:a'], { repo })).toBe('1');
    await fsck(git, repo);
  });

  test('is refused in a repository that misses something for another reason', async () => {
    const { git, repo, step } = await openRepo();
    const tree = await git.text(['rev-parse', 'refs/heads/main~1^{tree}'], { repo });
    rmSync(join(repo, 'objects', tree.slice(0, 2), tree.slice(2)));
    const old = await git.text(['hash-object', '-w', '--stdin'], { repo, input: 'nobody wants this\n' });
    age(repo, graceSeconds + 60);
    await expect(step('sweep')).rejects.toThrow(/repository with missing objects: .*[0-9a-f]{40}/);
    expect(await has(git, repo, old)).toBe(true);
    expect(await restoreSwept(repo)).toBe(0);
  });
});

describe('leftovers of killed gits', () => {
  const limits = (): { now: number; pushMs: number } => ({ now: Date.now(), pushMs: 60 * minute });

  function plant(repo: string, path: string, ageMinutes: number, text = ''): void {
    const file = join(repo, path);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, text);
    setAge(repo, path, ageMinutes);
  }

  function setAge(repo: string, path: string, ageMinutes: number): void {
    const at = (Date.now() - ageMinutes * minute) / 1000;
    utimesSync(join(repo, path), at, at);
  }

  const planted: [path: string, kind: string, maxMinutes: number, text?: string][] = [
    ['refs/heads/main.lock', 'lock', 60],
    ['refs/heads/deep/er/topic.lock', 'lock', 60],
    ['HEAD.lock', 'lock', 60],
    ['packed-refs.lock', 'lock', 60],
    ['config.lock', 'lock', 15],
    ['packed-refs.new', 'lock', 15],
    ['objects/info/commit-graphs/commit-graph-chain.lock', 'lock', 15],
    ['objects/pack/multi-pack-index.lock', 'lock', 15],
    ['objects/pack/tmp_pack_Ab3', 'unfinished pack', 60],
    ['objects/pack/.tmp-17-pack-0a.pack', 'unfinished pack', 60],
    ['objects/ab/tmp_obj_Xy', 'unfinished object', 60],
    ['objects/pack/pack-0a.keep', 'kept pack', 60, 'receive-pack 17 on host'],
  ];

  test.each(planted)(
    '%s (%s) may be in use until it is %i minutes old',
    async (path, kind, maxMinutes, text) => {
      const { repo } = await openRepo(1);
      plant(repo, path, maxMinutes - 1, text);
      expect(await listStaleFiles(repo, limits())).toEqual([]);
      plant(repo, path, maxMinutes + 1, text);
      const found = await listStaleFiles(repo, limits());
      expect(found).toMatchObject([{ path, kind }]);
      await removeStaleFiles(repo, found);
      expect(existsSync(join(repo, path))).toBe(false);
    },
  );

  test('a pack that an operator keeps, a branch, and a config are no leftovers however old', async () => {
    const { git, repo } = await openRepo(1);
    plant(repo, 'objects/pack/pack-0b.keep', 10_000, 'mine');
    await git.run(['update-ref', 'refs/heads/clock', 'main'], { repo });
    plant(repo, 'refs/heads/clock', 10_000, readFileSync(join(repo, 'refs/heads/main'), 'utf8'));
    expect(await listStaleFiles(repo, limits())).toEqual([]);
  });

  test('a quarantine is a push under way until it is older than any push can be', async () => {
    const { repo } = await openRepo(1);
    const folder = 'objects/tmp_objdir-incoming-Ab3xYz';
    plant(repo, `${folder}/pack/tmp_pack_1`, 61);
    plant(repo, `${folder}/ab`, 61);
    for (const path of [`${folder}/pack`, folder]) setAge(repo, path, 61);
    // What is written to a file shows in the time of that file alone.
    plant(repo, `${folder}/pack/tmp_pack_1`, 59);
    expect(await isReceiving(repo, limits())).toBe(true);
    expect(await listStaleFiles(repo, limits())).toEqual([]);
    plant(repo, `${folder}/pack/tmp_pack_1`, 61);
    expect(await isReceiving(repo, limits())).toBe(false);
    const found = await listStaleFiles(repo, limits());
    expect(found).toMatchObject([{ path: folder, kind: 'quarantine' }]);
    await removeStaleFiles(repo, found);
    expect(existsSync(join(repo, folder))).toBe(false);
  });
});

describe('killed in the middle', () => {
  test('of packing refs without its lock, what it left is taken away, but never under the lock of another', async () => {
    const { git, repo, step } = await openRepo();
    const [left, lock] = [join(repo, 'packed-refs.new'), join(repo, 'packed-refs.lock')];
    writeFileSync(left, '# half\n');
    writeFileSync(lock, '');
    await removeLeftPackedRefs(repo);
    expect([existsSync(left), existsSync(lock)]).toEqual([true, true]);
    rmSync(lock);
    await step('pack refs');
    expect([existsSync(left), existsSync(lock)]).toEqual([false, false]);
    await fsck(git, repo);
  });

  test('just after it made its lock, the lock does not keep the next housekeeping from its work', async () => {
    const { git, repo, step } = await openRepo();
    await step('commit graph');
    const lock = join(repo, 'objects/info/commit-graphs/commit-graph-chain.lock');
    const stop = new AbortController();
    const killed = doStep(git, 'commit graph', {
      repo,
      timeoutMs: 20_000,
      graceSeconds,
      signal: stop.signal,
    });
    writeFileSync(lock, '');
    stop.abort();
    await expect(killed).rejects.toMatchObject({ code: 'unavailable' });
    expect(existsSync(lock)).toBe(false);
    await step('commit graph');
  });

  test('of packing refs it goes on to its end, because a stop would leave a lock that holds up pushes', async () => {
    const { git, repo } = await openRepo(40);
    for (const milliseconds of [0, 1, 2, 3, 4, 5]) {
      const stop = new AbortController();
      const done = doStep(git, 'pack refs', { repo, timeoutMs: 20_000, graceSeconds, signal: stop.signal });
      void delay(milliseconds).then(() => stop.abort());
      await done;
      await pushFiles(git, { repo, branch: 'main', files: { 'more.txt': `${milliseconds}\n` } });
    }
    expect(existsSync(join(repo, 'packed-refs.lock'))).toBe(false);
    const late = { repo, timeoutMs: 20_000, graceSeconds, signal: AbortSignal.abort() };
    await expect(doStep(git, 'pack refs', late)).rejects.toMatchObject({ name: 'AbortError' });
  });

  test.each<HousekeepingStep>(['repack', 'sweep', 'commit graph'])(
    'of %s, the repository is whole and the step is done the next time',
    async (name) => {
      const { git, repo, step } = await openRepo(40);
      if (name === 'commit graph') await step('repack');
      for (const milliseconds of [0, 1, 2, 4, 7, 12, 20, 35]) {
        const stop = new AbortController();
        const killed = doStep(git, name, { repo, timeoutMs: 20_000, graceSeconds, signal: stop.signal });
        void delay(milliseconds).then(() => stop.abort());
        await killed.catch(() => undefined);
        await fsck(git, repo);
        await pushFiles(git, { repo, branch: 'main', files: { 'more.txt': `${milliseconds}\n` } });
      }
      await step(name);
      await fsck(git, repo);
    },
  );
});

test('indexes that are damaged are dropped, and the next housekeeping writes them anew', async () => {
  const { git, repo, step } = await openRepo();
  for (const name of ['repack', 'commit graph'] as const) await step(name);
  writeFileSync(join(repo, 'objects/pack/multi-pack-index'), 'damaged');
  await expect(fsck(git, repo)).rejects.toMatchObject({ exitCode: 32 });
  await dropIndexes(repo);
  await fsck(git, repo);
  for (const name of ['repack', 'commit graph'] as const) await step(name);
  expect(await measureRepo(git, repo)).toMatchObject({ hasBitmap: true, hasCommitGraph: true });
});
