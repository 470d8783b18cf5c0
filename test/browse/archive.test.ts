// Archives of commits: whole, of the right files, and without running anything that a repository names.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { createToken } from '../../src/accounts/create-token.ts';
import { findLeftovers } from '../support/leftovers.ts';
import { useForge } from '../support/forge.ts';
import { stageFiles } from './stage-repo.ts';

const open = useForge();

test('an archive has the files of its ref in one folder, as tar.gz and as zip', async () => {
  const { ask, commit, text } = await stageFiles(await open(), { 'dir/a.txt': 'one\n', run: '#!/bin/sh\n' });
  const main = await text('rev-parse', 'refs/heads/main');
  await commit('topic/x.zip', { 'new.txt': 'two\n' });
  const tar = await ask('/ada/app/archive/main.tar.gz');
  expect(tar.headers['content-type']).toBe('application/gzip');
  expect(tar.headers['content-disposition']).toContain('filename="app-main.tar.gz"');
  const list = (body: Buffer) =>
    execFileSync('tar', ['-tzf', '-'], { input: body }).toString().trim().split('\n');
  expect(list(tar.body)).toEqual(['app-main/', 'app-main/dir/', 'app-main/dir/a.txt', 'app-main/run']);
  const zip = await ask('/ada/app/archive/topic/x.zip.zip');
  expect(zip.headers['content-disposition']).toContain('filename="app-topic-x.zip.zip"');
  expect(zip.body.subarray(0, 2).toString()).toBe('PK');
  expect(zip.body.includes('app-topic-x.zip/new.txt')).toBe(true);
  expect(list((await ask(`/api/v1/repos/ada/app/archive/${main}.tar.gz`)).body)).toHaveLength(4);
  const again = await ask('/ada/app/archive/main.tar.gz', { 'if-none-match': String(tar.headers['etag']) });
  expect(again.status).toBe(304);
  for (const path of ['main', 'main.rar', 'none.zip', 'main/dir.zip', '.zip', '../main.zip'])
    expect((await ask(`/ada/app/archive/${path}`)).status, path).toBe(404);
});

test('P3: what a repository says about its files starts no program, not even to check a signature', async () => {
  const it = await open();
  const { ask, text, write, folder } = await stageFiles(it);
  const marker = join(it.folder, 'ran');
  const programs = join(it.folder, 'programs');
  mkdirSync(programs);
  for (const name of ['gpg', 'gpgsm', 'ssh-keygen', 'evil']) {
    writeFileSync(join(programs, name), `#!/bin/sh\necho ${name} "$@" >> ${marker}\n`);
    chmodSync(join(programs, name), 0o755);
  }
  // The forge finds these programs first, as it would find those of the machine.
  Object.assign(it.forge.git.environment, { PATH: `${programs}:${it.forge.git.environment['PATH']}` });
  const attributes = await write('*.txt export-subst filter=evil diff=evil\n*.gz filter=evil\n');
  const oid = await write('$Format:%G? %GS %H$\n');
  const input = `100644 blob ${attributes}\t.gitattributes\n100644 blob ${oid}\ta.txt\n`;
  const tree = await it.forge.git.text(['mktree'], { repo: folder, input });
  const commit = `tree ${tree}\nauthor A <a@x> 1 +0000\ncommitter A <a@x> 1 +0000\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n iQ\n -----END PGP SIGNATURE-----\n\nSigned\n`;
  const head = await it.forge.git.text(['hash-object', '-t', 'commit', '-w', '--stdin'], {
    repo: folder,
    input: commit,
  });
  await text('update-ref', 'refs/heads/main', head);
  const { status, body } = await ask('/ada/app/archive/main.tar.gz');
  expect(status).toBe(200);
  // The signature was asked about, and nobody was there to look at it.
  expect(gunzipSync(body).includes(`N  ${head}`)).toBe(true);
  for (const path of ['tree/main', 'blob/main/a.txt', 'search/main?q=Format', 'tree/main?with=commits'])
    expect((await ask(`/ada/app/${path}`)).status).toBe(200);
  expect(existsSync(marker) ? readFileSync(marker, 'utf8') : '').toBe('');
});

test('a reader who goes away ends the archive, and half of one is never taken for a whole', async () => {
  const it = await open();
  const { served, ask, account, commit, text, folder } = await stageFiles(it, { 'a.txt': '1\n' });
  it.forge.config.limits.maxArchives = 1;
  await commit('big', { noise: randomBytes(24 * 1024 * 1024) });
  const token = createToken(it.forge, { accountId: account.id, scope: 'read' });
  const socket = connect(Number(new URL(served.origin).port), '127.0.0.1');
  socket.write(`GET /ada/app/archive/big.zip HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`);
  await once(socket, 'readable');
  const second = await ask('/ada/app/archive/main.zip');
  expect(second.status).toBe(503);
  expect(second.text).toContain('Too many archives');
  socket.destroy();
  await expect.poll(async () => (await findLeftovers(it.folder)).join(' ')).not.toContain(' archive ');
  await expect.poll(async () => (await ask('/ada/app/archive/main.zip')).status).toBe(200);

  // A blob that is gone is met when the head of the answer is out already.
  const gone = await text('rev-parse', 'refs/heads/main:a.txt');
  const first = await text('hash-object', '-w', '--', join(folder, 'config'));
  const input = `100644 blob ${first}\ta\n100644 blob ${gone}\tz\n`;
  const tree = await it.forge.git.text(['mktree'], { repo: folder, input });
  const head = await text('commit-tree', '-m', 'x', tree);
  await text('update-ref', 'refs/heads/broken', head);
  execFileSync('rm', ['-r', '-f', join(folder, 'objects', gone.slice(0, 2))]);
  const broken = await ask('/ada/app/archive/broken.zip').then(
    ({ status }) => status,
    () => 'cut off',
  );
  expect([500, 'cut off']).toContain(broken);
});
