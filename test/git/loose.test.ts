import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { listLoose, readLoose } from '../../src/git/loose.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';

const open = useForge();

async function stage(content: string) {
  const it = await open();
  const repo = it.repoFolder(await it.repo('demo/app'));
  const objects = join(repo, 'objects');
  const oid = await it.forge.git.text(['hash-object', '-w', '--stdin'], { repo, input: content });
  return { it, repo, objects, oid, file: join(objects, oid.slice(0, 2), oid.slice(2)) };
}

test('a loose object is read as git reads it, small or large', async () => {
  for (const content of ['', 'a\n', 'x\0y'.repeat(500_000)]) {
    const { objects, oid } = await stage(content);
    const object = await readLoose(objects, { oid, maxBytes: 1e7 });
    expect(object).toMatchObject({ oid, type: 'blob', size: content.length });
    expect(object?.content?.equals(Buffer.from(content))).toBe(true);
  }
});

test('of what is too large, or not asked for, only type and size are told', async () => {
  const { objects, oid } = await stage('y'.repeat(3_000_000));
  const header = { oid, type: 'blob', size: 3_000_000, content: undefined };
  expect(await readLoose(objects, { oid, maxBytes: 1000 })).toEqual(header);
  expect(await readLoose(objects, { oid, maxBytes: 1e9, except: 'blob' })).toEqual(header);
});

test('what is packed, missing or damaged is left to git', async () => {
  const { it, repo, objects, oid, file } = await stage('z'.repeat(100_000));
  expect(await readLoose(objects, { oid: '1'.repeat(40), maxBytes: 1e6 })).toBe(undefined);
  expect(listLoose(objects, 100)).toEqual([oid]);
  truncateSync(file, readFileSync(file).length - 20);
  expect(await readLoose(objects, { oid, maxBytes: 1e6 })).toBe(undefined);
  const commit = await pushFiles(it.forge.git, { repo, branch: 'topic', files: { a: 'a\n' } });
  await it.forge.git.run(['repack', '-adq'], { repo });
  expect(await readLoose(objects, { oid: commit, maxBytes: 1e6 })).toBe(undefined);
  expect(listLoose(objects, 100)).toBe(undefined);
});

test('an object that unpacks to more than it says is left to git', async () => {
  const { objects, oid, file } = await stage('small');
  chmodSync(file, 0o644);
  // Zeros unpack to more than is read at first; random bytes do not, and a few more than said are a fault as well.
  for (const more of [Buffer.alloc(200_000_000), randomBytes(5_000_000), Buffer.from('small and more')]) {
    writeFileSync(file, deflateSync(Buffer.concat([Buffer.from('blob 5\0'), more])));
    expect(await readLoose(objects, { oid, maxBytes: 1e6 })).toBe(undefined);
  }
});
