// A forge on a disk that fills up: what it refuses and how it says so, what it keeps, and that it goes on by itself.
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  openSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { GitClient } from '../support/git-client.ts';
import { disposeServed, startForge, type ServedForge } from '../support/serve.ts';
import { mountSmallDisk, smallDiskProblem, unmountSmallDisk } from '../support/small-disk.ts';

const problem = smallDiskProblem();
if (problem !== undefined) console.warn(`Skipped: no small disk can be made here: ${problem}`);

const mebibyte = 1024 * 1024;
/** Everything else may be tested on this machine at the same moment. */
const patient = { timeout: 60_000 };
const fullSentence = /The disk of the forge is full/;
// What runs for the first time goes on until it is ended; the next time it is done at once.
const manifest = `version = 1
[[lane]]
id = "work"
command = '[ "$PIKA_ATTEMPT" != 1 ] || exec sleep 1200'
`;

async function serveOnSmallDisk(): Promise<ServedForge> {
  let mounted: string | undefined;
  const served = await startForge({
    settings: '[limits]\nminFreeMebibytes = 16\n[ci]\ngraceSeconds = 1\n',
    prepare: (data) => {
      mountSmallDisk(data, 96);
      mounted = data;
    },
  });
  onTestFinished(async () => {
    await served.stop();
    if (mounted !== undefined) unmountSmallDisk(mounted);
    await disposeServed(served);
  });
  return served;
}

const freeBytes = (folder: string): number => {
  const disk = statfsSync(folder);
  return disk.bavail * disk.bsize;
};

/** Takes room away until so much is left. */
function fillUntil(served: ServedForge, left: number): void {
  const path = join(served.data, 'ballast');
  const offset = existsSync(path) ? statSync(path).size : 0;
  const bytes = freeBytes(served.data) - left;
  if (bytes > 0) execFileSync('fallocate', ['--offset', String(offset), '--length', String(bytes), path]);
}

/** Takes every byte that is left, whoever gives some back in the meantime. */
function fillWhole(served: ServedForge): void {
  const file = openSync(join(served.data, 'filler'), 'a');
  try {
    for (const size of [mebibyte, 4096]) {
      const chunk = Buffer.alloc(size, 'x');
      for (;;) if (writeSync(file, chunk) < size) break;
    }
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
  } finally {
    closeSync(file);
  }
}

interface LaneAnswer {
  lanes: { state: string; reason: string | null; failureKind: string | null }[];
}

function asking(served: ServedForge, token: string) {
  const api = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${served.http}/api/v1/repos/ada/app${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, text: await response.text() };
  };
  const lane = async () => {
    const { text } = await api('GET', '/runs/1');
    return (JSON.parse(text) as LaneAnswer).lanes[0];
  };
  return { api, lane };
}

async function pushProject(served: ServedForge, ada: GitClient, token: string): Promise<void> {
  await ada.commit('First', { 'README.md': 'x' });
  await ada.git('remote', 'add', 'ssh', `ssh://git@${served.ssh}/ada/app.git`);
  await ada.git('remote', 'add', 'http', `${served.http.replace('://', `://ada:${token}@`)}/ada/app.git`);
  await ada.git('push', '--quiet', 'ssh', 'main');
  await ada.git('switch', '--quiet', '--create', 'topic');
  await ada.commit('Lanes', { '.pika/lanes.toml': manifest });
  await ada.git('push', '--quiet', 'ssh', 'topic');
}

/** A pack that is larger than the room there is takes none of it. */
async function expectTooLargeRefused(served: ServedForge, ada: GitClient): Promise<void> {
  fillUntil(served, 24 * mebibyte);
  await ada.git('switch', '--quiet', '--create', 'large');
  writeFileSync(join(ada.checkout, 'large.bin'), randomBytes(10 * mebibyte));
  await ada.commit('Large', {});
  const refused = await ada.tryGit('push', 'http', 'large');
  expect(refused).not.toMatchObject({ status: 0 });
  expect(refused.stderr).toMatch(/pack exceeds maximum allowed size/);
  expect(freeBytes(served.data)).toBeGreaterThan(20 * mebibyte);
  await ada.git('switch', '--quiet', 'topic');
}

/** Writes comments until one is refused for want of room; answers how many were taken. */
async function commentUntilFull(api: ReturnType<typeof asking>['api']): Promise<number> {
  for (let taken = 0; taken < 500; taken += 1) {
    const { status, text } = await api('POST', '/branches/1/threads', { body: 'word '.repeat(12_000) });
    if (status === 201) continue;
    expect({ status, text }).toMatchObject({ status: 503, text: expect.stringMatching(fullSentence) });
    return taken;
  }
  throw new Error('no write was refused on a full disk');
}

test.skipIf(problem !== undefined)(
  'refuses what is new in a clear line, ends its lanes as infrastructure, loses nothing, and goes on when there is room',
  { timeout: 240_000 },
  async () => {
    const served = await serveOnSmallDisk();
    const ada = await served.person('ada', 'admin');
    const token = await served.token('ada');
    const { api, lane } = asking(served, token);
    await pushProject(served, ada, token);
    await expect.poll(async () => (await lane())?.state, patient).toBe('running');

    await expectTooLargeRefused(served, ada);
    fillUntil(served, 8 * mebibyte);
    await expect
      .poll(async () => await lane(), patient)
      .toMatchObject({ state: 'failed', failureKind: 'infrastructure' });
    await ada.commit('More', { 'more.txt': 'more' });
    for (const remote of ['ssh', 'http']) {
      const refused = await ada.tryGit('push', remote, 'topic');
      expect(refused.status).not.toBe(0);
      expect(refused.stderr).toMatch(
        remote === 'http' ? /remote: The disk of the forge is full/ : fullSentence,
      );
    }
    const content = Buffer.from('large');
    const oid = createHash('sha256').update(content).digest('hex');
    const upload = await fetch(`${served.http}/ada/app.git/info/lfs/objects/${oid}?size=5`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' },
      body: content,
    });
    expect({ status: upload.status, text: await upload.text() }).toMatchObject({
      status: 503,
      text: expect.stringMatching(fullSentence),
    });
    expect(await api('POST', '/runs/1/rerun', { lane: 'work' })).toMatchObject({ status: 200 });
    await expect.poll(async () => await lane(), patient).toMatchObject({ state: 'queued', reason: 'paused' });

    fillWhole(served);
    const taken = await commentUntilFull(api);
    expect((await fetch(`${served.http}/healthz`)).status).toBe(200);
    expect(await api('GET', '/branches/1')).toMatchObject({ status: 200 });

    for (const name of ['ballast', 'filler']) rmSync(join(served.data, name), { force: true });
    await expect.poll(async () => await lane(), patient).toMatchObject({ state: 'success' });
    await ada.git('push', '--quiet', 'ssh', 'topic');
    const { text } = await api('GET', '/branches/1/threads');
    expect((JSON.parse(text) as { threads: unknown[] }).threads).toHaveLength(taken);
    expect(await ada.git('ls-remote', 'ssh', 'refs/heads/topic')).toContain(
      await ada.git('rev-parse', 'HEAD'),
    );
    const { status, stdout } = await served.operate('doctor', '--json');
    const { findings } = JSON.parse(stdout) as { findings: { level: string; what: string }[] };
    expect(findings.filter(({ level }) => level === 'error')).toEqual([]);
    expect(status).toBe(0);
    await vi.waitFor(async () => expect((await fetch(`${served.http}/readyz`)).status).toBe(200));
  },
);
