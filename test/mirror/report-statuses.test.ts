// Statuses of commits, told to a server that speaks as much of GitHub's API as the forge uses.
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SettableClock } from '../../src/lib/clock.ts';
import { openStatusReports } from '../../src/mirror/report-statuses.ts';
import { changeMirror } from '../../src/mirror/set-mirror.ts';
import { findStatusProblem, type CommitVerdict } from '../../src/mirror/status-store.ts';
import { makeCertificate } from '../support/certificate.ts';
import { useForge } from '../support/forge.ts';
import { mirrorSettings, stageMirror } from './stage-mirror.ts';

const open = useForge();
const token = 'ghp_0123456789abcdefXYZ';
const folder = mkdtempSync(join(tmpdir(), 'pika-statuses-'));
/** Of the service, signed by nobody but itself: the forge believes it by its configuration. */
let tls: Awaited<ReturnType<typeof makeCertificate>>;

beforeAll(async () => {
  tls = await makeCertificate(folder);
});
afterAll(() => rm(folder, { recursive: true }));

interface Told {
  path: string;
  authorization: string | undefined;
  body: unknown;
}

async function openService(): Promise<{
  api: string;
  told: Told[];
  refuse: (status: number) => void;
  server: Server;
}> {
  const told: Told[] = [];
  let refusal = 0;
  const take = async (request: IncomingMessage): Promise<void> => {
    const body: unknown = JSON.parse(await text(request));
    told.push({ path: request.url ?? '', authorization: request.headers.authorization, body });
  };
  const identity = { key: readFileSync(tls.key), cert: readFileSync(tls.certificate) };
  const server = createServer(identity, (request, response) => {
    void take(request).then(() => {
      if (refusal === 0) response.writeHead(201).end('{"id":1}');
      else response.writeHead(refusal).end(JSON.stringify({ message: `No commit found; ${token}` }));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const api = `https://127.0.0.1:${(server.address() as AddressInfo).port}/repos/ada/app`;
  return { api, told, refuse: (status) => void (refusal = status), server };
}

async function stage() {
  const clock = new SettableClock();
  const mirror = { ...mirrorSettings.mirror, caFile: tls.certificate };
  const it = await open({ clock, settings: { mirror } });
  const staged = await stageMirror(it, clock);
  const service = await openService();
  it.defer(() => void service.server.close());
  it.defer(() => service.server.closeAllConnections());
  const main = await staged.git('rev-parse', 'refs/heads/main');
  const verdicts: CommitVerdict[] = [
    {
      oid: main,
      state: 'success',
      description: 'Every lane is green',
      url: 'http://forge.example/ada/app/runs/1',
    },
    {
      oid: '1'.repeat(40),
      state: 'failure',
      description: 'A lane is red',
      url: 'http://forge.example/ada/app/runs/2',
    },
  ];
  const reports = openStatusReports(it.forge, () => verdicts);
  reports.start();
  it.defer(() => reports.stop());
  // Its refs are known as if it had been synced: this is about the statuses alone.
  const remote = staged.add('there', 'https://mirror.invalid/ada/app.git', {
    credential: { kind: 'token', token, user: 'git' },
    statuses: service.api,
  });
  it.forge.db.run(
    `INSERT INTO mirror_refs (remote_id, ref, state, here_oid, there_oid, changed_at)
     VALUES (:id, 'refs/heads/main', 'in-step', :main, :main, 0)`,
    { id: remote.id, main },
  );
  const tell = async (): Promise<void> => {
    reports.loop.wake();
    await reports.loop.settled();
  };
  return { ...staged, ...service, main, verdicts, remote, tell };
}

test('a commit that stands there is told once, with the token, and again when it did otherwise', async () => {
  const { told, main, verdicts, tell } = await stage();
  await tell();
  await tell();
  expect(told).toEqual([
    {
      path: `/repos/ada/app/statuses/${main}`,
      authorization: `token ${token}`,
      body: {
        state: 'success',
        context: 'pika-git',
        description: 'Every lane is green',
        target_url: 'http://forge.example/ada/app/runs/1',
      },
    },
  ]);
  verdicts[0] = { ...verdicts[0]!, state: 'failure', description: 'A lane is red' };
  await tell();
  expect(told.map(({ body }) => (body as { state: string }).state)).toEqual(['success', 'failure']);
});

test('a service that refuses is asked later, and its words are shown without the token', async () => {
  const { forge, clock, told, refuse, remote, tell } = await stage();
  refuse(422);
  await tell();
  expect(findStatusProblem(forge.db, remote.id)).toBe('the answer was 422: No commit found; (private)');
  await tell();
  expect(told).toHaveLength(1);
  refuse(0);
  clock.advance(60_000);
  await tell();
  expect(told).toHaveLength(2);
  expect(findStatusProblem(forge.db, remote.id)).toBeUndefined();
});

test('a token that cannot be opened any more is told of its own mirror, and holds up no other', async () => {
  const { forge, clock, add, api, told, main, remote, tell } = await stage();
  forge.db.run('UPDATE mirror_remotes SET sealed = :sealed', { sealed: Buffer.alloc(64) });
  const credential = { kind: 'token' as const, token, user: 'git' };
  const { id } = add('other', 'https://other.invalid/a.git', { credential, statuses: `${api}/other` });
  forge.db.run(
    `INSERT INTO mirror_refs (remote_id, ref, state, here_oid, there_oid, changed_at)
     VALUES (:id, 'refs/heads/main', 'in-step', :main, :main, 0)`,
    { id, main },
  );
  await tell();
  expect(findStatusProblem(forge.db, remote.id)).toContain('sealed with a key that is gone');
  expect(told.map(({ path }) => path)).toEqual([`/repos/ada/app/other/statuses/${main}`]);
  clock.advance(60_000);
  await tell();
  expect(told).toHaveLength(1);
});

test('a token goes to no other place than it was given for, nor where remotes may not be', async () => {
  const { forge, repo, caller, told, tell } = await stage();
  const order = { repo, caller, name: 'there' };
  const elsewhere = { statuses: 'https://elsewhere.example/repos/x/y' };
  expect(() => changeMirror(forge, { ...order, change: elsewhere })).toThrow(/Give the token once more/);
  expect(() => changeMirror(forge, { ...order, change: { url: 'https://elsewhere.example/x.git' } })).toThrow(
    /Give the token once more/,
  );
  const credential = { kind: 'token' as const, token, user: 'git' };
  const change = { credential, statuses: 'http://169.254.169.254/latest' };
  const remote = changeMirror(forge, { ...order, change });
  await tell();
  expect(findStatusProblem(forge.db, remote.id)).toContain('is no public address');
  expect(told.filter(({ path }) => path.includes('latest'))).toEqual([]);
});
