import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Db } from '../../src/db/open.ts';
import { readConfig } from '../../src/forge/config.ts';
import { openForge, type Forge } from '../../src/forge/open.ts';
import { checkSurroundings } from '../../src/operator/checks.ts';
import { useForge } from '../support/forge.ts';

const open = useForge();
const hooksFolder = fileURLToPath(new URL('../../hooks', import.meta.url));

/** Has git look for its hooks in a copy, which the test may spoil. */
function copyHooks(forge: Forge): string {
  const folder = join(forge.config.paths.data, 'hooks-of-this-test');
  cpSync(hooksFolder, folder, { recursive: true });
  const file = join(forge.config.paths.gitHome, 'config');
  writeFileSync(file, readFileSync(file, 'utf8').replace(/hooksPath = .*/, `hooksPath = ${folder}`));
  return folder;
}

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pika-checks-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('a forge in order is let serve, and leaves nothing behind', async () => {
  const { forge } = await open();
  expect(await checkSurroundings(forge)).toMatchObject({ git: expect.stringMatching(/^\d+\.\d+/) });
});

describe('hooks', () => {
  test('copied as they are do their work', async () => {
    const { forge } = await open();
    copyHooks(forge);
    await checkSurroundings(forge);
  });

  test.each<[string, 'pre-receive' | 'post-receive', (path: string) => void]>([
    ['is missing', 'pre-receive', (path) => rmSync(path)],
    ['is missing', 'post-receive', (path) => rmSync(path)],
    ['cannot be executed', 'pre-receive', (path) => chmodSync(path, 0o644)],
    ['lets every push through', 'pre-receive', (path) => writeFileSync(path, '#!/bin/sh\nexit 0\n')],
    ['refuses every push', 'pre-receive', (path) => writeFileSync(path, '#!/bin/sh\nexit 1\n')],
    [
      'asks, and does not listen',
      'pre-receive',
      (path) => writeFileSync(path, '#!/bin/sh\nprintf "check \\nend\\n" >&3\nexit 0\n'),
    ],
    ['tells nobody', 'post-receive', (path) => writeFileSync(path, '#!/bin/sh\nexit 0\n')],
    ['has no interpreter', 'post-receive', (path) => writeFileSync(path, '#!/nowhere/sh\n')],
  ])('one that %s keeps the forge from serving (%s)', async (_fault, hook, spoil) => {
    const { forge } = await open();
    spoil(join(copyHooks(forge), hook));
    await expect(checkSurroundings(forge)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(new RegExp(`hooks/${hook}.* restore it`)),
    });
  });
});

describe('git', () => {
  async function checkWith(script: string | undefined): Promise<unknown> {
    const folder = emptyFolder();
    const programs = join(folder, 'bin');
    mkdirSync(programs);
    if (script !== undefined) writeFileSync(join(programs, 'git'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const forge = openForge(readConfig(join(folder, 'data'), {}, { PATH: programs }));
    try {
      return await checkSurroundings(forge);
    } finally {
      forge.db.close();
    }
  }

  test.each(['2.38.9', '1.99.0', '0.1'])('%s is too old', async (version) => {
    await expect(checkWith(`echo "git version ${version}"`)).rejects.toThrow(
      `git ${version} is too old; pika-git needs git 2.39 or newer.`,
    );
  });

  test('that is not there is said to be missing', async () => {
    await expect(checkWith(undefined)).rejects.toThrow(/git was not found on PATH; install git 2.39/);
  });
});

test('a disk with too little room keeps the forge from serving, and says how much it wants', async () => {
  const { forge } = await open({ settings: { limits: { minFreeMebibytes: 1_000_000_000_000 } } });
  await expect(checkSurroundings(forge)).rejects.toThrow(
    /is full: \d+ MiB are free; free at least 1000000000000 MiB/,
  );
});

test.each(['spool', 'repos', 'keys'] as const)(
  'a %s folder that cannot be written is named',
  async (name) => {
    const { forge } = await open();
    const folder = forge.config.paths[name];
    rmSync(folder, { recursive: true });
    // A file in its place refuses everybody, the superuser too.
    writeFileSync(folder, '');
    await expect(checkSurroundings(forge)).rejects.toThrow(`The folder ${folder} cannot be written`);
  },
);

describe('the data directory', () => {
  const start = (data: string) => () => openForge(readConfig(data, {}, { PATH: process.env['PATH'] }));

  test('that is a file is refused', () => {
    const data = join(emptyFolder(), 'data');
    writeFileSync(data, '');
    expect(start(data)).toThrow(`The data directory ${data} cannot be written.`);
  });

  test('whose database is something else is refused, and its file is left alone', () => {
    const data = emptyFolder();
    const file = join(data, 'forge.db');
    writeFileSync(file, 'no database at all, but somebody may want it. '.repeat(50));
    const before = readFileSync(file);
    expect(start(data)).toThrow(
      /database .*forge\.db cannot be opened: file is not a database\. .*restore a backup/,
    );
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  test('that a newer program has written is refused', () => {
    const data = emptyFolder();
    const db = new Db(join(data, 'forge.db'));
    db.exec('PRAGMA user_version = 999');
    db.close();
    expect(start(data)).toThrow(/schema 999, .*Start the newer pika-git, or restore a backup/);
  });
});
