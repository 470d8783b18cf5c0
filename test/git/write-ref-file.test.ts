import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { resolveRef } from '../../src/git/refs.ts';
import { writeRefFile } from '../../src/git/write-ref-file.ts';
import { useForge } from '../support/forge.ts';

const open = useForge();

async function stage() {
  const it = await open();
  const repo = await it.repo('ada/app', { files: { a: '1\n' } });
  const path = it.repoFolder(repo);
  const { git } = it.forge;
  const oid = (await resolveRef(git, path, 'refs/heads/main'))!;
  return { git, path, oid };
}

test('git reads and packs the refs that were written, many at once and over packed ones', async () => {
  const { git, path, oid } = await stage();
  const names = Array.from({ length: 50 }, (_, place) => `refs/pika/heads/${place}/1`);
  await Promise.all(names.map((name) => writeRefFile(path, name, oid)));
  const list = () =>
    git.text(['for-each-ref', '--format=%(refname) %(objectname)', 'refs/pika/'], { repo: path });
  const expected = names
    .toSorted()
    .map((name) => `${name} ${oid}`)
    .join('\n');
  expect(await list()).toBe(expected);
  await git.run(['pack-refs', '--all'], { repo: path });
  expect(existsSync(join(path, 'refs/pika/heads/0/1'))).toBe(false);
  await Promise.all(names.map((name) => writeRefFile(path, name, oid)));
  expect(await list()).toBe(expected);
  expect(existsSync(join(path, 'refs/pika/heads/0/1.lock'))).toBe(false);
});

test('a ref that somebody has locked is left alone, and so is the lock', async () => {
  const { git, path, oid } = await stage();
  const ref = 'refs/pika/heads/1/1';
  await writeRefFile(path, ref, oid);
  writeFileSync(join(path, `${ref}.lock`), 'theirs');
  await expect(writeRefFile(path, ref, 'd'.repeat(40))).rejects.toMatchObject({ code: 'EEXIST' });
  expect(await resolveRef(git, path, ref)).toBe(oid);
  expect(existsSync(join(path, `${ref}.lock`))).toBe(true);
  rmSync(join(path, `${ref}.lock`));
  await writeRefFile(path, ref, oid);
});
