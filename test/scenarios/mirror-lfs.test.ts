// Large files from a forge into another and back, with the real client of Git LFS at both ends: an import over HTTP with a
// token, a mirror over SSH with the key that the forge made.
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { SettableClock } from '../../src/lib/clock.ts';
import { Slots } from '../../src/lib/slot.ts';
import { sweepLfs } from '../../src/lfs/sweep.ts';
import { defaultPatterns } from '../../src/mirror/model.ts';
import { upstreamRequest } from '../../src/mirror/pull/model.ts';
import { openPulls } from '../../src/mirror/pull/open-pulls.ts';
import { listPullRows } from '../../src/mirror/pull/pull-store.ts';
import { setUpstream } from '../../src/mirror/pull/set-upstream.ts';
import { addMirror } from '../../src/mirror/set-mirror.ts';
import { listSyncRows } from '../../src/mirror/sync-store.ts';
import { mirrorSettings, start } from '../mirror/stage-mirror.ts';
import { useForge } from '../support/forge.ts';
import { whyNoLfsClient } from '../support/lfs-client.ts';
import { useServedForge } from '../support/serve.ts';
import { testUnless } from '../support/where-installed.ts';

const open = useForge();
const startForge = useServedForge();
const test = testUnless(await whyNoLfsClient(), 'large files between forges');

test('a clone of what was imported and mirrored has the large files', async () => {
  const far = await startForge();
  const ada = await far.person('ada');
  const contents = [randomBytes(300_000), randomBytes(5000)];
  await ada.git('lfs', 'install', '--local');
  await ada.git('lfs', 'track', '*.bin');
  for (const content of contents) {
    writeFileSync(join(ada.checkout, 'art.bin'), content);
    await ada.commit('Draw', {});
  }
  await ada.git('push', '--quiet', `ssh://git@${far.ssh}/ada/art.git`, 'main');

  const {
    forge,
    account,
    repo: addRepo,
    defer,
  } = await open({
    clock: new SettableClock(),
    settings: mirrorSettings,
  });
  await sweepLfs(forge);
  const { caller } = account('bob');
  const repo = await addRepo('bob/art');
  const pulls = openPulls(forge, new Slots());
  pulls.start();
  defer(() => pulls.stop());
  const token = await far.token('ada', 'read');
  const url = `${far.http}/ada/art`;
  const request = upstreamRequest.parse({ url, credential: { kind: 'token', user: 'ada', token } });
  setUpstream(forge, pulls, { repo, caller, request });
  await pulls.settled();
  const message = '2 LFS objects brought.';
  expect(listPullRows(forge.db, { repoId: repo.id, limit: 5 })).toMatchObject([{ state: 'done', message }]);

  const remote = addMirror(forge, {
    repo,
    caller,
    request: {
      name: 'far',
      url: `ssh://git@${far.ssh}/robot/copy.git`,
      patterns: defaultPatterns,
      credential: { kind: 'key' },
      statuses: '',
      active: true,
    },
  });
  const key = join(far.folder, 'mirror.pub');
  writeFileSync(key, `${remote.publicKey}\n`);
  await far.operate('account', 'add', 'robot', '--role', 'member', '--ssh-key', key);
  await far.operate('repo', 'create', 'robot/copy', '--public');
  const mirrors = await start({ forge, defer } as never);
  await mirrors.settled();
  const syncs = listSyncRows(forge.db, { remoteId: remote.id, beforeId: null, limit: 5 });
  expect(syncs).toMatchObject([{ state: 'done', pushed: 1, message: '2 LFS objects sent.' }]);

  const clone = join(ada.home, 'clone');
  await ada.git('lfs', 'install');
  await ada.git('clone', '--quiet', `ssh://git@${far.ssh}/robot/copy.git`, clone);
  expect(readFileSync(join(clone, 'art.bin')).equals(contents[1] ?? Buffer.alloc(0))).toBe(true);
  await ada.git('-C', clone, 'checkout', '--quiet', 'HEAD~1');
  expect(readFileSync(join(clone, 'art.bin')).equals(contents[0] ?? Buffer.alloc(0))).toBe(true);
  expect(far.errors()).not.toContain(token);
});
