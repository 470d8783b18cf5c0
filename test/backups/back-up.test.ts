// A backup and what is brought back from it, on a forge with a bit of everything.
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { backUp, type BackedUp } from '../../src/backups/back-up.ts';
import { listBackupNames, packStore, readManifest, storedFilePath } from '../../src/backups/folder.ts';
import { restoreBackup } from '../../src/backups/restore.ts';
import { verifyBackups, type Verified } from '../../src/backups/verify.ts';
import { ingestSpool } from '../../src/branches/ingest.ts';
import { scanRepo } from '../../src/branches/scan.ts';
import { readClusterMark } from '../../src/forge/cluster-mark.ts';
import { readConfig } from '../../src/forge/config.ts';
import { openForge, type Forge } from '../../src/forge/open.ts';
import { listRefs } from '../../src/git/refs.ts';
import { Git } from '../../src/git/run.ts';
import { SettableClock } from '../../src/lib/clock.ts';
import { createLog } from '../../src/lib/log.ts';
import type { Repo } from '../../src/repos/model.ts';
import { repoPath } from '../../src/repos/path.ts';
import { useForge, type TestForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';

const open = useForge();
const environment = { PATH: process.env['PATH'] };

let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'pika-backups-'));
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

interface Stage extends TestForge {
  clock: SettableClock;
  repo1: Repo;
  /** The folder of backups. */
  vault: string;
  push: (branch: string, text: string) => Promise<string>;
  write: (path: string, content: string) => void;
  back: (options?: {
    keep?: number;
    logs?: boolean;
    artifacts?: boolean;
    signal?: AbortSignal;
  }) => Promise<BackedUp>;
  verify: (options?: { mend?: boolean; quick?: boolean }) => Promise<Verified[]>;
  restore: (name: string, data?: string) => Promise<Forge>;
}

/** A forge with a repository of two branches and a tag, and a file in each place that a backup takes or leaves. */
async function openStage(settings: Record<string, unknown> = {}): Promise<Stage> {
  const clock = new SettableClock();
  const testForge = await open({ clock, settings: { backups: settings } });
  const { forge, folder: data } = testForge;
  const repo1 = await testForge.repo('demo/app', { files: { 'a.txt': 'a\n' } });
  await testForge.repo('demo/empty');
  const path = testForge.repoFolder(repo1);
  const vault = join(place, 'vault');
  const write = (name: string, content: string): void => {
    mkdirSync(dirname(join(data, name)), { recursive: true });
    writeFileSync(join(data, name), content);
  };
  const push = async (branch: string, text: string): Promise<string> => {
    const oid = await pushFiles(forge.git, { repo: path, branch, files: { [`${branch}.txt`]: text } });
    await scanRepo(forge, repo1);
    return oid;
  };
  await push('topic', 'one\n');
  await forge.git.run(['tag', '-a', '-m', 'first', 'v1', 'refs/heads/main'], { repo: path });
  write('keys/secrets.key', 'not for others');
  write('pika.toml', 'logLevel = "silent"\n');
  write('lanes/1/1/log', 'what a lane said\n');
  write('lanes/1/1/artifacts/report.txt', 'what a lane kept\n');
  write('caches/1/default/x/cached', 'not taken');
  write('checkouts/1-1/file', 'not taken');
  write('a-part-that-comes-later/file', 'taken all the same');
  const git = (): Git => new Git({ home: mkdtempSync(join(place, 'git-')), ...gitParts(forge) });
  return {
    ...testForge,
    clock,
    repo1,
    vault,
    push,
    write,
    back: ({ keep, logs = true, artifacts = true, signal } = {}) => {
      clock.advance(60_000);
      return backUp(forge, { folder: vault, program: '0', keep, logs, artifacts, signal });
    },
    verify: ({ mend = false, quick = false } = {}) =>
      verifyBackups({ folder: vault, mend, quick, git: git(), timeoutMs: 60_000 }),
    restore: async (name, to = join(place, 'elsewhere')) => {
      const openGit = (): Git => new Git({ home: join(to, 'git'), ...gitParts(forge) });
      await restoreBackup({ folder: vault, name, data: to, openGit });
      const restored = openForge(readConfig(to, {}, environment), { log: createLog('silent'), clock });
      testForge.defer(() => restored.db.close());
      return restored;
    },
  };
}

const gitParts = ({ config }: Forge) => ({ searchPath: config.searchPath, limits: config.limits });

const refsOf = (forge: Forge, { id }: Repo): Promise<Map<string, string>> =>
  listRefs(forge.git, repoPath(forge, id), ['refs/']);

/** Every file below a folder, with its content. */
function filesBelow(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    files.map((file) => [file.slice(folder.length + 1), readFileSync(file, 'latin1')]),
  );
}

test('what is brought back has the rows, the refs, the objects and the files, and is sound', async () => {
  const stage = await openStage();
  const { forge, repo1 } = stage;
  readClusterMark(forge.config);
  const { name, manifest } = await stage.back();
  expect(manifest).toMatchObject({ problems: [], leftOut: [] });
  expect(await stage.verify()).toMatchObject([{ name, problems: [], repositories: 2 }]);

  const restored = await stage.restore(name);
  expect(await refsOf(restored, repo1)).toEqual(await refsOf(forge, repo1));
  expect([...(await refsOf(restored, repo1)).keys()]).toEqual(
    expect.arrayContaining(['refs/heads/main', 'refs/heads/topic', 'refs/pika/heads/1/1', 'refs/tags/v1']),
  );
  await restored.git.run(['fsck', '--full', '--strict'], { repo: repoPath(restored, repo1.id) });
  const rows = 'SELECT number, name, head_oid FROM branches';
  expect(restored.db.all(rows)).toEqual(forge.db.all(rows));
  const files = filesBelow(restored.config.paths.data);
  expect(files).toMatchObject({
    'keys/secrets.key': 'not for others',
    'pika.toml': 'logLevel = "silent"\n',
    'lanes/1/1/log': 'what a lane said\n',
    'lanes/1/1/artifacts/report.txt': 'what a lane kept\n',
    'a-part-that-comes-later/file': 'taken all the same',
  });
  // Beside the forge that it was taken from, a restored one must not end that one's jobs on a cluster.
  const remade = /^(?:caches|checkouts|restoring|cluster-mark)/;
  expect(Object.keys(files).filter((path) => remade.test(path))).toEqual([]);
});

test('a second backup adds what is new alone, and each of them is whole by itself', async () => {
  const stage = await openStage();
  const first = await stage.back();
  const packs = (): string[] => readdirSync(join(packStore(stage.vault, stage.repo1.id), 'pack')).sort();
  const before = packs();
  const same = await stage.back();
  expect(packs()).toEqual(before);
  expect(same.manifest.repos[0]?.packs).toEqual(first.manifest.repos[0]?.packs);
  const lists = same.manifest.database.bytes + same.manifest.refs.bytes + same.manifest.files.bytes;
  expect(same.manifest.newBytes).toBe(lists);

  const head = await stage.push('topic', 'two\n');
  // Housekeeping packs everything anew in between; what the folder has stays what it has.
  await stage.forge.git.run(['repack', '-a', '-d', '-q'], { repo: stage.repoFolder(stage.repo1) });
  const third = await stage.back();
  expect(third.manifest.repos[0]?.packs).toHaveLength(2);
  const added = third.manifest.repos[0]?.packs[1]?.name ?? '';
  const shown = await stage.forge.git.text(
    ['verify-pack', '-v', '--', join(packStore(stage.vault, stage.repo1.id), 'pack', `${added}.idx`)],
    {},
  );
  expect(shown).toContain(head);
  // The commit, its tree and its file.
  expect(shown.match(/^[0-9a-f]{40} (?:commit|tree|blob)/gm)).toHaveLength(3);

  expect((await stage.verify()).map(({ problems }) => problems)).toEqual([[], [], []]);
  const old = await stage.restore(first.name, join(place, 'old'));
  expect((await refsOf(old, stage.repo1)).get('refs/heads/topic')).not.toBe(head);
  const fresh = await stage.restore(third.name, join(place, 'fresh'));
  expect((await refsOf(fresh, stage.repo1)).get('refs/heads/topic')).toBe(head);
  await fresh.git.run(['fsck', '--full'], { repo: repoPath(fresh, stage.repo1.id) });
});

test('a push that is answered while the database is copied is in the backup, with who pushed it', async () => {
  const stage = await openStage();
  const { forge, repo1 } = stage;
  const { account } = stage.account('eve');
  const copied = forge.db.copyBeside.bind(forge.db);
  let late = '';
  forge.db.copyBeside = async (path, onStep) => {
    await copied(path, onStep);
    // Its row would be written after the copy; its ref and its file in the spool are there before refs are read.
    late = await pushFiles(forge.git, { repo: stage.repoFolder(repo1), branch: 'late', files: { l: 'l' } });
    const update = `${'0'.repeat(40)} ${late} refs/heads/late`;
    stage.write('spool/push-of-eve', `repo ${repo1.id}\nactor ${account.id}\n${update}\n`);
    const run = forge.git.run.bind(forge.git);
    forge.git.run = async (...asked) => {
      forge.git.run = run;
      await stage.repo('demo/late', { files: { l: 'l' } });
      return run(...asked);
    };
  };
  const { name } = await stage.back();
  const restored = await stage.restore(name);
  expect((await refsOf(restored, repo1)).get('refs/heads/late')).toBe(late);
  await ingestSpool(restored);
  const row = restored.db.get('SELECT head_oid AS head FROM branches WHERE name = :n', { n: 'late' });
  expect(row).toEqual({ head: late });
  const pushedBy = 'SELECT pushed_by AS who FROM revisions WHERE head_oid = :late';
  expect(restored.db.get(pushedBy, { late })).toEqual({ who: account.id });
  // What the copy has no row of is no repository without one.
  expect(readdirSync(restored.config.paths.repos).sort()).toEqual(['1.git', '2.git']);
});

test('the oldest go beyond the number that is kept, with what only they needed', async () => {
  const stage = await openStage({ maxPacksPerRepo: 2 });
  stage.write('lanes/2/1/log', 'only in the first\n');
  const first = await stage.back();
  const only = createHash('sha256').update('only in the first\n').digest('hex');
  expect(existsSync(storedFilePath(stage.vault, only))).toBe(true);
  rmSync(join(stage.folder, 'lanes/2'), { recursive: true });
  await stage.push('topic', 'two\n');
  await stage.back();
  await stage.push('topic', 'three\n');
  const { removed, manifest } = await stage.back({ keep: 2 });
  expect(removed).toEqual([first.name]);
  // Two packs are many here, so the third backup has all of the repository in one.
  expect(manifest.repos[0]?.packs).toHaveLength(1);
  expect(existsSync(storedFilePath(stage.vault, only))).toBe(false);
  expect((await stage.verify()).map(({ problems }) => problems)).toEqual([[], []]);
});

test('logs and artifacts are left out when that is asked for, and the backup says so', async () => {
  const stage = await openStage();
  const { name, manifest } = await stage.back({ logs: false, artifacts: false });
  expect(manifest.leftOut).toEqual(['logs', 'artifacts']);
  const restored = await stage.restore(name);
  expect(
    Object.keys(filesBelow(restored.config.paths.data)).filter((path) => path.startsWith('lanes')),
  ).toEqual([]);
});

describe('what was lost or damaged', () => {
  test('in the forge before: the rest is backed up, and what is missing is told', async () => {
    const stage = await openStage();
    const { forge, repo1 } = stage;
    const path = stage.repoFolder(repo1);
    await forge.git.run(['repack', '-a', '-d', '-q'], { repo: path });
    const lost = await stage.push('topic', 'two\n');
    rmSync(join(path, 'objects', lost.slice(0, 2), lost.slice(2)));
    rmSync(join(path, 'objects/pack'), { recursive: true });
    mkdirSync(join(path, 'objects/pack'));
    const good = await stage.repo('demo/good', { files: { 'g.txt': 'g\n' } });
    const { manifest, name } = await stage.back();
    expect(manifest.problems.join('\n')).toMatch(/^demo\/app: objects are missing/);
    const restored = await stage.restore(name);
    await restored.git.run(['fsck', '--full'], { repo: repoPath(restored, good.id) });
    expect(await refsOf(restored, good)).toEqual(await refsOf(forge, good));
  });

  test('in the folder: it is found, never restored, and brought again after a mend', async () => {
    const stage = await openStage();
    const { name, manifest } = await stage.back();
    const { sha256 } = manifest.database;
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    const log = createHash('sha256').update('what a lane said\n').digest('hex');
    writeFileSync(storedFilePath(stage.vault, log), 'what a lane SAID\n');
    const [pack] = manifest.repos[0]?.packs ?? [];
    const packFile = join(packStore(stage.vault, stage.repo1.id), 'pack', `${pack?.name}.pack`);
    const whole = readFileSync(packFile);
    rmSync(packFile);
    writeFileSync(
      packFile,
      Buffer.from(whole.map((byte, at) => (at === whole.length - 30 ? byte ^ 1 : byte))),
    );
    expect(await stage.verify()).toMatchObject([
      {
        name,
        problems: ['lanes/1/1/log is missing or damaged', `demo/app: ${pack?.name} is missing or damaged`],
      },
    ]);
    await expect(stage.restore(name)).rejects.toThrow(/damaged: lanes\/1\/1\/log is not what it was/);
    expect(readdirSync(join(place, 'elsewhere'))).toEqual([]);

    await stage.verify({ mend: true, quick: true });
    const next = await stage.back();
    expect((await stage.verify())[0]).toMatchObject({ name: next.name, problems: [] });
  });

  test('a list or a manifest that was altered makes a backup none, and nothing goes that it may need', async () => {
    const stage = await openStage();
    stage.write('lanes/2/1/log', 'only in the first\n');
    const only = createHash('sha256').update('only in the first\n').digest('hex');
    const first = await stage.back();
    rmSync(join(stage.folder, 'lanes/2'), { recursive: true });
    writeFileSync(join(stage.vault, 'backups', first.name, 'files'), '');
    await expect(stage.restore(first.name)).rejects.toThrow(/a list of it/);
    const second = await stage.back();
    expect(existsSync(storedFilePath(stage.vault, only))).toBe(true);
    const manifest = join(stage.vault, 'backups', second.name, 'manifest.json');
    writeFileSync(manifest, readFileSync(manifest, 'utf8').replace('demo/app', 'demo/apx'));
    await expect(stage.restore(second.name)).rejects.toThrow(/manifest .* is damaged/);
    const third = await stage.back({ keep: 2 });
    expect(existsSync(storedFilePath(stage.vault, only))).toBe(true);
    expect(await stage.verify()).toMatchObject([
      { name: third.name, problems: [] },
      { name: second.name, problems: [expect.stringContaining('manifest')] },
    ]);
  });
});

describe('a backup is there as a whole or not at all', () => {
  test('one that ends half way leaves the ones before, and its leftovers go with the next', async () => {
    const stage = await openStage();
    const first = await stage.back();
    const stop = new AbortController();
    const copied = stage.forge.db.copyBeside.bind(stage.forge.db);
    stage.forge.db.copyBeside = async (path, onStep) => {
      await copied(path, onStep);
      stop.abort();
    };
    await expect(stage.back({ signal: stop.signal })).rejects.toThrow(/abort/);
    stage.forge.db.copyBeside = copied;
    expect(await listBackupNames(stage.vault)).toEqual([first.name]);
    // As a program that was killed leaves it.
    mkdirSync(join(stage.vault, 'backups/.draft-20260101T000000Z'));
    writeFileSync(join(stage.vault, 'files/.tmp-half'), 'half');
    expect(await listBackupNames(stage.vault)).toEqual([first.name]);
    writeFileSync(join(stage.vault, 'lock'), `nowhere 1\n`);
    await expect(stage.back()).rejects.toThrow(/Another backup/);
    rmSync(join(stage.vault, 'lock'));
    await stage.back();
    expect(readdirSync(join(stage.vault, 'backups')).filter((name) => name.startsWith('.'))).toEqual([]);
    expect(existsSync(join(stage.vault, 'files/.tmp-half'))).toBe(false);
  });

  test('two at once into one folder: one of them is refused', async () => {
    const stage = await openStage();
    const both = await Promise.allSettled([stage.back(), stage.back()]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(both.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'conflict' } });
  });

  test('a restore that is cut short is never taken for a forge', async () => {
    const stage = await openStage();
    const half = join(place, 'half');
    mkdirSync(half);
    writeFileSync(join(half, 'restoring'), '');
    expect(() => openForge(readConfig(half, {}, environment))).toThrow(/was cut short/);
    const { name } = await stage.back();
    await expect(stage.restore(name, half)).rejects.toThrow(/is not empty \(restoring is in it\)/);
    const both = await Promise.allSettled([stage.restore(name), stage.restore(name)]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(both.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'conflict' } });
  });
});

test('what a newer program wrote is refused, and so is a folder within the data', async () => {
  const stage = await openStage();
  const { name } = await stage.back();
  const file = join(stage.vault, 'backups', name, 'manifest.json');
  const original = readFileSync(file, 'utf8');
  for (const [part, sentence] of [
    [{ format: 2 }, /format 2, but this program knows only 1/],
    [{ schema: 9999 }, /schema 9999, but this program knows only/],
  ] as const) {
    const changed = JSON.stringify({ ...(JSON.parse(original) as object), ...part });
    writeFileSync(file, changed);
    writeFileSync(join(dirname(file), 'manifest.sha256'), createHash('sha256').update(changed).digest('hex'));
    await expect(readManifest(stage.vault, name)).rejects.toThrow(sentence);
  }
  const inside = { folder: join(stage.folder, 'backups/x'), program: '0', logs: true, artifacts: true };
  await expect(backUp(stage.forge, inside)).rejects.toThrow(/lost together with it/);
});
