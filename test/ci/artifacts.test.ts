import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { identify } from '../../src/accounts/guard.ts';
import { createToken } from '../../src/accounts/create-token.ts';
import { ciApi } from '../../src/ci/api.ts';
import { openCi } from '../../src/ci/open.ts';
import { ciPages } from '../../src/ci/pages.ts';
import { findRun } from '../../src/ci/find.ts';
import { createApp } from '../../src/web/app.ts';
import { answerErrors, notFound } from '../../src/web/errors.ts';
import { laneReaching, manifest, pushBranch, runOfBranch } from '../support/ci.ts';
import { useForge } from '../support/forge.ts';
import { laneStart, runLane, startLane } from '../support/lane-start.ts';

const open = useForge({ settings: { ci: { graceSeconds: 1, pollSeconds: 3600 } } });
const patient = { timeout: 120_000 };

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

describe('what matches the patterns of a lane', () => {
  test(
    'is kept with its size and hash, also when the lane fails; a folder is all that is in it',
    patient,
    async () => {
      const it = await open();
      const start = await laneStart(it, {
        tier: 'none',
        command:
          'mkdir -p out/deep .hidden; printf one > out/a.txt; printf two > out/deep/b.txt; printf three > .hidden/c.log; printf no > d.txt; exit 3',
        artifacts: ['out', '**/*.log', 'nothing/**'],
      });
      const { result } = await runLane(start);
      expect(result).toMatchObject({ outcome: 'failed', exitCode: 3 });
      expect(result.artifacts).toEqual([
        { path: '.hidden/c.log', bytes: 5, sha256: sha256('three') },
        { path: 'out/a.txt', bytes: 3, sha256: sha256('one') },
        { path: 'out/deep/b.txt', bytes: 3, sha256: sha256('two') },
      ]);
      const stored = join(start.artifactsFolder, sha256('two'));
      expect(readFileSync(stored, 'utf8')).toBe('two');
    },
  );

  test('is no link, no pipe, and nothing that a link leads to', patient, async () => {
    const it = await open();
    const outside = join(it.folder, 'outside');
    writeFileSync(outside, 'a secret of the forge');
    const start = await laneStart(it, {
      tier: 'none',
      files: { 'README.md': 'x', 'real/fine.txt': 'fine' },
      command: `mkdir out; ln -s ${outside} out/link; ln -s ${it.folder} out/folder; ln -s ${it.folder} way; mkfifo out/pipe; printf fine > out/fine.txt`,
      artifacts: ['out/**', 'way/outside', 'way/**', '../../outside', '/etc/hostname', '.git/**'],
      reports: ['out/link', 'way/outside', 'out/pipe'],
    });
    const { result } = await runLane(start);
    expect(result.artifacts).toEqual([{ path: 'out/fine.txt', bytes: 4, sha256: sha256('fine') }]);
    expect(result.reports).toEqual([]);
  });

  test('beyond the limits is left out, and the log says so', patient, async () => {
    const it = await open();
    const start = await laneStart(it, {
      tier: 'none',
      command:
        'mkdir out; for i in 1 2 3 4 5; do head -c 400 /dev/zero > out/$i; done; head -c 2000 /dev/zero > out/0',
      artifacts: ['out/**'],
      maxArtifacts: 3,
      maxArtifactBytes: 1000,
    });
    const { result, log } = await runLane(start);
    expect(result.artifacts?.map(({ path }) => path)).toEqual(['out/1', 'out/2']);
    expect(log).toContain(
      'artifacts: 4 of 6 files are left out; at most 3 files of 1000 bytes together are kept',
    );
    expect(readdirSync(start.artifactsFolder)).toHaveLength(1);
  });

  test('of a cancelled lane is not kept', patient, async () => {
    const it = await open();
    const start = await laneStart(it, {
      tier: 'none',
      command: 'printf one > a.txt; echo up; sleep 300',
      artifacts: ['a.txt'],
      timeoutMs: 120_000,
    });
    const { lane, ended, printed } = startLane(start);
    await printed;
    lane.stop('cancelled');
    expect(await ended).toEqual({ outcome: 'stopped', cause: 'cancelled', signal: 'SIGTERM' });
    expect(existsSync(start.artifactsFolder)).toBe(false);
  });
});

test('reports are handed over with secrets masked, under plain names', patient, async () => {
  const it = await open();
  const start = await laneStart(it, {
    tier: 'none',
    command:
      'mkdir r; echo "<a>$TOKEN</a>" > r/one.XML; echo "ok 1 - $TOKEN" > "r/two ..tap"; head -c 3000 /dev/zero > r/huge.xml',
    secrets: { TOKEN: 'very-secret-value' },
    reports: ['r/*'],
    maxReportBytes: 2000,
  });
  const { result, log } = await runLane(start);
  expect(result.reports).toEqual([
    { path: 'r/one.XML', stored: '1.xml' },
    { path: 'r/two ..tap', stored: '2.tap' },
  ]);
  expect(readFileSync(join(start.reportsFolder, '1.xml'), 'utf8')).toBe('<a>***</a>\n');
  expect(readFileSync(join(start.reportsFolder, '2.tap'), 'utf8')).toBe('ok 1 - ***\n');
  expect(log).toContain('reports: 1 of 3 files are left out');
});

async function serveArtifacts() {
  const it = await open();
  const { forge } = it;
  const repo = await it.repo('demo/app', { files: { 'README.md': 'x' } });
  await it.repo('demo/other', { files: { 'README.md': 'x' } });
  const files = manifest(
    `id = "a"\ncommand = "mkdir -p 'out/a b'; printf '<script>alert(1)</script>' > 'out/a b/x.html'; printf 0123456789 > out/n.txt"\nartifacts = ["out/**"]`,
  );
  const branch = await pushBranch(forge, repo, { name: 'work', files });
  const ci = await openCi(forge);
  it.defer(() => ci.stop());
  await ci.scheduler.pass();
  const run = runOfBranch(forge, branch);
  const lane = await laneReaching(forge, { run, key: 'a' });
  const app = createApp({ trustedProxies: [], maxRequestBytes: 100_000 });
  app.use(
    identify(forge, () => true),
    ciApi(forge, ci),
    ciPages(forge, ci),
    notFound,
    answerErrors(forge.log),
  );
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  it.defer(() => void server.closeAllConnections());
  it.defer(() => void server.close());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const token = (name: string, role: 'admin' | 'member') =>
    createToken(forge, { accountId: it.account(name, role).account.id, scope: 'read' });
  const tokens = { reader: token('ada', 'admin'), stranger: token('eve', 'member') };
  const ask = (path: string, options: { as?: keyof typeof tokens; headers?: Record<string, string> } = {}) =>
    fetch(`${origin}${path}`, {
      headers: { authorization: `Bearer ${tokens[options.as ?? 'reader']}`, ...options.headers },
    });
  return { forge, run, lane, ask };
}

test('artifacts are listed and downloaded, and no browser runs them', patient, async () => {
  const { run, lane, ask } = await serveArtifacts();
  expect(lane.attempt.state).toBe('success');
  const place = `/demo/app/runs/${run.number}/lanes/a`;
  const list = (await (await ask(`/api/v1/repos${place}/artifacts`)).json()) as {
    artifacts: { path: string; url: string }[];
  };
  expect(list.artifacts.map(({ path }) => path)).toEqual(['out/a b/x.html', 'out/n.txt']);
  const html = await ask(list.artifacts[0]!.url);
  expect(await html.text()).toBe('<script>alert(1)</script>');
  expect(html.headers.get('content-type')).toBe('application/octet-stream');
  expect(html.headers.get('content-disposition')).toContain('attachment; filename="x.html"');
  expect(html.headers.get('x-content-type-options')).toBe('nosniff');
  expect(html.headers.get('content-security-policy')).toBe("default-src 'none'; sandbox");

  const part = await ask(`/api/v1/repos${place}/artifacts/out/n.txt`, { headers: { range: 'bytes=2-4' } });
  expect([part.status, await part.text()]).toEqual([206, '234']);
  expect(part.headers.get('etag')).toBe(`"${sha256('0123456789')}"`);

  const page = await (await ask(place)).text();
  expect(page).toContain('href="/demo/app/runs/1/lanes/a/artifacts/out/a%20b/x.html?attempt=1"');
});

test('artifacts are found by who may read, at their own place, and nowhere else', patient, async () => {
  const { forge, run, ask } = await serveArtifacts();
  const place = `/demo/app/runs/${run.number}/lanes/a/artifacts`;
  expect((await ask(`${place}/out/n.txt`, { as: 'stranger' })).status).toBe(404);
  expect((await ask(`/api/v1/repos${place}`, { as: 'stranger' })).status).toBe(404);
  expect((await ask(`${place.replace('/app/', '/other/')}/out/n.txt`)).status).toBe(404);
  for (const path of ['nothing', 'out', 'out/../out/n.txt', '..%2Flog', sha256('0123456789')]) {
    expect((await ask(`${place}/${path}`)).status, path).toBe(path === 'out/../out/n.txt' ? 200 : 404);
  }
  expect(findRun(forge, 1, run.number)?.id).toBe(run.id);
});
