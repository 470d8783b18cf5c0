import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findOpenBranch } from '../../src/branches/find.ts';
import { scanRepo } from '../../src/branches/scan.ts';
import type { Forge } from '../../src/forge/open.ts';
import { doStep } from '../../src/git/housekeeping.ts';
import { examine } from '../../src/operator/doctor.ts';
import type { Finding } from '../../src/operator/findings.ts';
import type { Repo } from '../../src/repos/model.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';

const open = useForge();
const hour = 60 * 60;

interface Patient {
  forge: Forge;
  repo: Repo;
  /** The bare repository's folder. */
  path: string;
  /** Runs git in it. */
  git: (...args: string[]) => Promise<string>;
  /** What doctor finds beside what is in order. */
  look: () => Promise<Finding[]>;
  mend: () => Promise<Finding[]>;
}

/** A forge with one repository: main, and an open branch of two revisions. */
async function openPatient(): Promise<Patient> {
  const testForge = await open();
  const { forge } = testForge;
  const repo = await testForge.repo('demo/app', { files: { 'a.txt': 'a\n' } });
  const path = testForge.repoFolder(repo);
  for (const text of ['one\n', 'two\n']) {
    await pushFiles(forge.git, {
      repo: path,
      branch: 'topic',
      from: 'refs/heads/main',
      files: { 'b.txt': text },
    });
    await scanRepo(forge, repo);
  }
  const findings = async (mend: boolean): Promise<Finding[]> =>
    (await examine(forge, { mend, quick: false })).filter(({ level }) => level !== 'ok');
  return {
    forge,
    repo,
    path,
    git: (...args) => forge.git.text(args, { repo: path }),
    look: () => findings(false),
    mend: () => findings(true),
  };
}

function makeOld(path: string, seconds = 2 * hour): void {
  const at = Date.now() / 1000 - seconds;
  utimesSync(path, at, at);
}

test('a forge in order: every line is ok, and mending changes nothing', async () => {
  const { forge, path, mend, git } = await openPatient();
  const findings = await examine(forge, { mend: false, quick: false });
  expect(findings.map(({ level }) => level)).toEqual(findings.map(() => 'ok'));
  expect(findings.map(({ what }) => what).join('\n')).toMatch(
    /git 2\..*\n.*database sound.*\n(.*\n)*demo\/app: objects sound/,
  );
  const before = await git('for-each-ref');
  expect(await mend()).toEqual([]);
  expect(await git('for-each-ref')).toBe(before);
  expect(readFileSync(join(path, 'HEAD'), 'utf8')).toBe('ref: refs/heads/main\n');
});

describe('what is safe to mend is found, mended when asked, and not found any more', () => {
  type Plant = (patient: Patient) => Promise<void> | void;
  const faults: [title: string, sentence: RegExp, plant: Plant][] = [
    [
      'a lost pin',
      /a pushed head has no pin refs\/pika\/heads\/1\/1/,
      async ({ git }) => void (await git('update-ref', '-d', 'refs/pika/heads/1/1')),
    ],
    [
      'a pin at another commit',
      /a pushed head has no pin refs\/pika\/heads\/1\/2/,
      async ({ git }) => void (await git('update-ref', 'refs/pika/heads/1/2', 'refs/heads/main')),
    ],
    [
      'a branch that moved unseen',
      /#1 topic: its ref and its row differ/,
      async ({ git }) => void (await git('update-ref', 'refs/heads/topic', 'refs/pika/heads/1/1')),
    ],
    [
      'a branch that was deleted unseen',
      /#1 topic: its ref and its row differ/,
      async ({ git }) => void (await git('update-ref', '-d', 'refs/heads/topic')),
    ],
    [
      'a branch that was made unseen',
      /the branch other has no row/,
      async ({ git }) => void (await git('update-ref', 'refs/heads/other', 'refs/heads/topic')),
    ],
    [
      'a HEAD that names nothing',
      /HEAD names nowhere, which is not there/,
      async ({ git }) => void (await git('symbolic-ref', 'HEAD', 'refs/heads/nowhere')),
    ],
    [
      'a HEAD that is gone',
      /git takes its folder for no repository/,
      ({ path }) => rmSync(join(path, 'HEAD')),
    ],
    [
      'a HEAD of rubbish',
      /git takes its folder for no repository/,
      ({ path }) => writeFileSync(join(path, 'HEAD'), '\0\0\0\0'),
    ],
    [
      'a configuration of rubbish',
      /git takes its folder for no repository/,
      ({ path }) => writeFileSync(join(path, 'config'), '[core\n'),
    ],
    [
      'a setting that wins over the forge',
      /its own configuration sets core\.hookspath=\/tmp\/evil, which wins/,
      async ({ git }) => void (await git('config', 'core.hooksPath', '/tmp/evil')),
    ],
    [
      'a stale lock of a ref',
      /a killed git left refs\/heads\/topic\.lock \(lock, 120 min old\)/,
      ({ path }) => {
        writeFileSync(join(path, 'refs/heads/topic.lock'), '');
        makeOld(join(path, 'refs/heads/topic.lock'));
      },
    ],
    [
      'a stale lock of packed refs',
      /a killed git left packed-refs\.lock/,
      ({ path }) => {
        writeFileSync(join(path, 'packed-refs.lock'), '');
        makeOld(join(path, 'packed-refs.lock'));
      },
    ],
    [
      'a damaged index of packs',
      /an index is damaged: .*multi-pack-index/,
      async ({ forge, path }) => {
        await doStep(forge.git, 'repack', { repo: path, timeoutMs: 20_000, graceSeconds: 0 });
        writeFileSync(join(path, 'objects/pack/multi-pack-index'), 'rubbish');
      },
    ],
    [
      'a damaged commit-graph',
      /an index is damaged: .*commit-graph/,
      async ({ forge, path }) => {
        await doStep(forge.git, 'commit graph', { repo: path, timeoutMs: 20_000, graceSeconds: 0 });
        const folder = join(path, 'objects/info/commit-graphs');
        const [graph = ''] = readdirSync(folder).filter((name) => name.endsWith('.graph'));
        const bytes = readFileSync(join(folder, graph));
        chmodSync(join(folder, graph), 0o600);
        writeFileSync(join(folder, graph), bytes.fill(0xff, 300, 340));
      },
    ],
    [
      'an altered configuration of git',
      /git's configuration was altered since the start/,
      ({ forge }) =>
        writeFileSync(
          join(forge.config.paths.gitHome, 'config'),
          `${readFileSync(join(forge.config.paths.gitHome, 'config'), 'utf8')}[receive]\n\tfsckObjects = false\n`,
        ),
    ],
    [
      'a key that others can read',
      /host_key can be read by others/,
      ({ forge }) => {
        writeFileSync(join(forge.config.paths.keys, 'host_key'), 'secret', { mode: 0o644 });
      },
    ],
    [
      'a database that others can read',
      /forge\.db can be read by others/,
      ({ forge }) => chmodSync(forge.config.paths.database, 0o644),
    ],
    [
      'a half-written push in the spool',
      /abc-123\.tmp in the spool was never finished/,
      ({ forge }) => {
        writeFileSync(join(forge.config.paths.spool, 'abc-123.tmp'), 'repo 1\n');
        makeOld(join(forge.config.paths.spool, 'abc-123.tmp'));
      },
    ],
    [
      'a repository that was never finished',
      /repos\/draft-1 was never finished/,
      ({ forge }) => {
        mkdirSync(join(forge.config.paths.repos, 'draft-1'));
        makeOld(join(forge.config.paths.repos, 'draft-1'));
      },
    ],
  ];

  test.each(faults)('%s', async (_title, sentence, plant) => {
    const patient = await openPatient();
    await plant(patient);
    const found = await patient.look();
    const mendable = {
      what: expect.stringMatching(sentence),
      advice: expect.stringContaining('doctor --mend'),
    };
    expect(found).toContainEqual(expect.objectContaining(mendable));
    const mended = await patient.mend();
    expect(mended).toContainEqual({ level: 'mended', what: expect.stringMatching(sentence) });
    expect(mended.filter(({ level }) => level !== 'mended')).toEqual([]);
    expect(await patient.look()).toEqual([]);
  });

  test('what a pack that is set aside still has', async () => {
    const { forge, repo, path, git, look, mend } = await openPatient();
    const reviewed = await git('rev-parse', 'refs/pika/heads/1/1');
    await doStep(forge.git, 'repack', { repo: path, timeoutMs: 20_000, graceSeconds: 0 });
    mkdirSync(join(path, 'swept'));
    for (const name of readdirSync(join(path, 'objects/pack'))) {
      if (name.startsWith('pack-')) renameSync(join(path, 'objects/pack', name), join(path, 'swept', name));
      else rmSync(join(path, 'objects/pack', name));
    }
    expect(await look()).toContainEqual(
      expect.objectContaining({ level: 'error', what: expect.stringContaining('git fsck: ') }),
    );
    expect((await mend()).filter(({ level }) => level !== 'mended')).toEqual([]);
    expect(await git('show', `${reviewed}:b.txt`)).toBe('one');
    expect(findOpenBranch(forge, repo.id, 'topic')?.brokenReason).toBeUndefined();
    expect(await look()).toEqual([]);
  });
});

describe('what is not safe to mend is found, said to be left, and left alone', () => {
  test('an object that is gone', async () => {
    const { path, git, look, mend } = await openPatient();
    const blob = await git('rev-parse', 'refs/pika/heads/1/1:b.txt');
    rmSync(join(path, 'objects', blob.slice(0, 2), blob.slice(2)));
    const problem = {
      level: 'error',
      what: expect.stringContaining(`missing blob ${blob}`),
      advice: expect.stringContaining('push them from a clone that has them'),
    };
    expect(await look()).toContainEqual(problem);
    expect(await mend()).toContainEqual(problem);
    expect(await git('rev-parse', 'refs/pika/heads/1/1')).toMatch(/^[0-9a-f]{40}$/);
  });

  test('an object that the disk has altered, unless it is to be quick', async () => {
    const { forge, path, git, look } = await openPatient();
    const [blob, other] = [await git('rev-parse', 'main:a.txt'), await git('rev-parse', 'topic:b.txt')];
    const file = (oid: string): string => join(path, 'objects', oid.slice(0, 2), oid.slice(2));
    chmodSync(file(blob), 0o600);
    writeFileSync(file(blob), readFileSync(file(other)));
    expect(await look()).toMatchObject([
      { level: 'error', what: expect.stringMatching(/hash mismatch|hash-path mismatch/) },
    ]);
    const quick = await examine(forge, { mend: false, quick: true });
    expect(quick.every(({ level }) => level === 'ok')).toBe(true);
  });

  test('the commit of a branch, and the branch says so', async () => {
    const { forge, repo, path, git, mend } = await openPatient();
    const head = await git('rev-parse', 'topic');
    rmSync(join(path, 'objects', head.slice(0, 2), head.slice(2)));
    const found = await mend();
    expect(found.map(({ what }) => what).join('\n')).toContain(head);
    expect(found.some(({ level }) => level === 'error')).toBe(true);
    expect(findOpenBranch(forge, repo.id, 'topic')?.headOid).toBe(head);
  });

  test('a repository whose folder is gone', async () => {
    const { path, mend } = await openPatient();
    rmSync(path, { recursive: true });
    expect(await mend()).toEqual([
      { level: 'error', what: 'demo/app: its bare repository is gone', advice: 'Restore it from a backup.' },
    ]);
  });

  test('a folder that belongs to no repository', async () => {
    const { forge, mend } = await openPatient();
    const stray = join(forge.config.paths.repos, '77.git');
    mkdirSync(stray);
    makeOld(stray);
    expect(await mend()).toMatchObject([
      { level: 'warning', what: 'repos/77.git belongs to no repository of the database' },
    ]);
    expect(existsSync(stray)).toBe(true);
  });

  test('a push that was put aside', async () => {
    const { forge, mend } = await openPatient();
    const file = join(forge.config.paths.spool, 'abcdefgh-1.unreadable');
    writeFileSync(file, 'rubbish');
    makeOld(file);
    expect(await mend()).toMatchObject([
      { level: 'warning', what: expect.stringContaining('was put aside') },
    ]);
    expect(existsSync(file)).toBe(true);
  });

  test('an extension that the forge does not know', async () => {
    const { git, mend } = await openPatient();
    await git('config', 'core.repositoryFormatVersion', '1');
    await git('config', 'extensions.partialClone', 'origin');
    const found = await mend();
    expect(found).toContainEqual(
      expect.objectContaining({
        level: 'error',
        what: expect.stringContaining('extensions.partialclone=origin'),
      }),
    );
    expect(await git('config', 'extensions.partialClone')).toBe('origin');
  });

  test('a file that lends objects from elsewhere', async () => {
    const { path, look } = await openPatient();
    writeFileSync(join(path, 'objects/info/alternates'), `${join(path, '..')}\n`);
    expect(await look()).toContainEqual(
      expect.objectContaining({
        level: 'warning',
        what: 'demo/app: objects/info/alternates makes it depend on something outside of it',
      }),
    );
  });

  test('a large file whose bytes are others, or gone', async () => {
    const { forge, repo, look } = await openPatient();
    const oids = ['one', 'two'].map((text) => createHash('sha256').update(text).digest('hex'));
    for (const oid of oids) {
      forge.db.exec(`INSERT INTO lfs_objects (oid, size, created_at) VALUES ('${oid}', 3, 1);
        INSERT INTO lfs_holdings (repo_id, oid, given_at) VALUES (${repo.id}, '${oid}', 1);`);
    }
    const folder = join(forge.config.paths.lfs, 'objects', oids[0]!.slice(0, 2), oids[0]!.slice(2, 4));
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, oids[0]!), 'uno');
    const found = await look();
    expect(found.map(({ what }) => what).toSorted()).toEqual(
      [`the large file ${oids[0]} is altered`, `the large file ${oids[1]} is missing`].toSorted(),
    );
  });

  test('a database that is not whole', async () => {
    const { forge, look } = await openPatient();
    forge.db.exec(
      "PRAGMA foreign_keys = OFF; INSERT INTO protected_refs (repo_id, pattern) VALUES (99, 'x'); PRAGMA foreign_keys = ON;",
    );
    expect(await look()).toMatchObject([
      { level: 'error', what: 'database: a row of protected_refs without its repos' },
    ]);
  });
});

test('what only shows when something else was mended is mended too', async () => {
  const { git, path, look, mend } = await openPatient();
  await git('update-ref', '-d', 'refs/pika/heads/1/1');
  rmSync(join(path, 'HEAD'));
  rmSync(join(path, 'config'));
  expect((await mend()).map(({ level }) => level)).toEqual(['mended', 'mended']);
  expect(await look()).toEqual([]);
});

test('a mend that fails says so, and the rest is mended', async () => {
  const { git, path, mend } = await openPatient();
  await git('update-ref', '-d', 'refs/pika/heads/1/1');
  // A lock that somebody may still hold: the pin cannot be written, and the lock is too young to be taken away.
  mkdirSync(join(path, 'refs/pika/heads/1'), { recursive: true });
  writeFileSync(join(path, 'refs/pika/heads/1/1.lock'), '');
  writeFileSync(join(path, 'objects/pack/multi-pack-index.lock'), '');
  makeOld(join(path, 'objects/pack/multi-pack-index.lock'));
  const found = await mend();
  expect(found).toContainEqual(
    expect.objectContaining({ level: 'mended', what: expect.stringContaining('multi-pack-index.lock') }),
  );
  expect(found).toContainEqual({
    level: 'error',
    what: 'demo/app: a pushed head has no pin refs/pika/heads/1/1',
    advice: expect.stringMatching(/^It could not be mended: .*moved in between/),
  });
  expect(statSync(join(path, 'refs/pika/heads/1/1.lock')).isFile()).toBe(true);
});
