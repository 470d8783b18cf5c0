// What a program may say that runs a lane elsewhere, request by request: with a claim that stands, and with one that is lost.
import { createHash, randomBytes } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { awayMinutes } from '../../src/ci/lanes/executor.ts';
import { logFolder } from '../../src/ci/lanes/launch.ts';
import { insertJob } from '../../src/ci/lanes/slurm/slurm-job-store.ts';
import { ciOverview } from '../../src/ci/overview.ts';
import { returnToQueue } from '../../src/ci/recovery/recover.ts';
import { revokeAgentCredential } from '../../src/ci/agents/agent-credential.ts';
import type { Attempt } from '../../src/ci/model.ts';
import { openAgentForge, type AgentForge, type PushedLane } from '../support/agents.ts';
import { laneOf } from '../support/ci.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let away: AgentForge;
beforeAll(async () => {
  away = await openAgentForge({ maxLogBytes: 4096, maxArtifacts: 2, maxArtifactBytes: 2000, maxReports: 2 });
});
afterAll(() => away.dispose());

interface Answer {
  status: number;
  body: unknown;
  bytes: number;
}

type Send = (method: string, path: string, body?: unknown) => Promise<Answer>;

const speaker =
  (secret: string): Send =>
  async (method, path, body) => {
    const isRaw = Buffer.isBuffer(body);
    const given = isRaw ? new Uint8Array(body) : JSON.stringify(body);
    const response = await fetch(`${away.url}/api/v1/agent/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${secret}`,
        ...(body === undefined
          ? {}
          : { 'content-type': isRaw ? 'application/octet-stream' : 'application/json' }),
      },
      ...(body === undefined ? {} : { body: given }),
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
    return {
      status: response.status,
      body: isJson ? JSON.parse(bytes.toString()) : undefined,
      bytes: bytes.length,
    };
  };

const newSession = (): string => randomBytes(32).toString('hex');
const claimBody = (session: string) => ({ session, job: '7', node: 'n1', sandbox: 'none' });

async function claim(lane: string): Promise<{ pushed: PushedLane; send: Send; session: string }> {
  const pushed = await away.push(lane);
  const session = newSession();
  const taken = await speaker(away.credential(pushed.lane))('POST', 'claim', claimBody(session));
  expect(taken.status).toBe(200);
  return { pushed, session, send: speaker(session) };
}

const attemptOf = ({ run }: PushedLane): Attempt => laneOf(away.forge, run, 'away').attempt;

function lose(pushed: PushedLane): void {
  const { id: attemptId, token } = attemptOf(pushed);
  const { id: laneId, runId } = pushed.lane;
  expect(returnToQueue(away.forge, { attemptId, laneId, runId, token }, 'its node is gone')).toBe(true);
}

const bytes = Buffer.from('built\n');
const sha256 = createHash('sha256').update(bytes).digest('hex');
const success = { result: { outcome: 'success', exitCode: 0 }, folder: '/tmp/lane' };
const everything =
  'artifacts = ["out/**"]\nreports = ["unit.xml"]\ncache = [{ key = "deps", paths = ["deps"] }]\ncommand = "true"';

test('a credential is used up by one program, which may ask again, and is nobody else’s', async () => {
  const pushed = await away.push('command = "true"');
  const credential = away.credential(pushed.lane);
  const send = speaker(credential);
  // It does not speak for the lane before it has the claim.
  expect((await send('POST', 'heartbeat')).status).toBe(401);
  expect((await send('GET', 'pack')).status).toBe(401);
  const session = newSession();
  const first = await send('POST', 'claim', claimBody(session));
  expect(first.body).toMatchObject({
    attemptId: pushed.lane.attempt.id,
    token: 1,
    cacheScopes: [expect.any(String), 'default'],
  });
  // No folder of the forge is told to the node.
  expect(JSON.stringify(first.body)).not.toContain(away.it.folder);
  expect((await send('POST', 'claim', claimBody(session))).body).toEqual(first.body);
  expect((await send('POST', 'claim', claimBody(newSession()))).status).toBe(409);
  expect(attemptOf(pushed)).toMatchObject({ state: 'running', token: 1 });
  expect(
    away.forge.db.get('SELECT owner FROM lane_attempts WHERE id = :id', { id: pushed.lane.attempt.id }),
  ).toEqual({
    owner: 'slurm 7@n1',
  });
  for (const unknown of ['', 'x'.repeat(43), `pikaagent_${'x'.repeat(43)}`]) {
    expect((await speaker(unknown)('POST', 'claim', claimBody(newSession()))).status).toBe(401);
  }
});

test('a new credential makes the one before it void, and one that is taken back takes no claim', async () => {
  const pushed = await away.push('command = "true"');
  const first = away.credential(pushed.lane);
  const second = away.credential(pushed.lane);
  expect((await speaker(first)('POST', 'claim', claimBody(newSession()))).status).toBe(401);
  revokeAgentCredential(away.forge, pushed.lane.attempt.id);
  expect((await speaker(second)('POST', 'claim', claimBody(newSession()))).status).toBe(401);
  expect(attemptOf(pushed)).toMatchObject({ state: 'queued', token: 0 });
});

test('a node without a permitted sandbox ends the lane as a fault of the place', async () => {
  const pushed = await away.push('command = "true"');
  const body = { ...claimBody(newSession()), sandbox: null };
  expect((await speaker(away.credential(pushed.lane))('POST', 'claim', body)).status).toBe(409);
  expect(attemptOf(pushed)).toMatchObject({ state: 'failed', failureKind: 'infrastructure' });
  expect(attemptOf(pushed).message).toContain('n1 has no sandbox that is permitted');
});

test('whose claim is lost is refused whatever it says, and nothing of it is kept', async () => {
  const { pushed, send } = await claim(everything);
  expect((await send('POST', 'log?offset=0', Buffer.from('before\n'))).body).toEqual({ size: 7 });
  lose(pushed);
  const stale: Record<string, Answer> = {
    heartbeat: await send('POST', 'heartbeat'),
    log: await send('POST', 'log?offset=7', Buffer.from('after\n')),
    pack: await send('GET', 'pack'),
    cache: await send('GET', `caches?key=deps&paths=${encodeURIComponent('["deps"]')}`),
    saved: await send('PUT', 'caches?place=0', Buffer.alloc(10_240)),
    artifact: await send('PUT', `artifacts/${sha256}`, bytes),
    report: await send('PUT', 'reports/1.xml', Buffer.from('<testsuite/>')),
    result: await send('POST', 'result', success),
  };
  expect(Object.entries(stale).filter(([, { status }]) => status !== 409)).toEqual([]);
  const attempt = attemptOf(pushed);
  expect(attempt).toMatchObject({ state: 'queued', token: 1, reasonDetail: 'its node is gone' });
  const folder = logFolder(away.forge, { attemptId: attempt.id, token: 1 });
  expect(readFileSync(join(folder, 'log'), 'utf8')).toBe('before\n');
  expect(existsSync(join(folder, 'artifacts'))).toBe(false);

  // Somebody else has it by now: still nothing, and the new claim is not touched.
  const session = newSession();
  await speaker(away.credential(laneOf(away.forge, pushed.run, 'away')))('POST', 'claim', claimBody(session));
  expect((await send('POST', 'result', success)).status).toBe(409);
  expect(attemptOf(pushed)).toMatchObject({ state: 'running', token: 2 });
  expect((await speaker(session)('POST', 'result', success)).body).toEqual({ told: true });
  expect(attemptOf(pushed)).toMatchObject({ state: 'success', token: 2 });
});

test('a heartbeat prolongs the lease and tells of a cancellation; a result is told once and may be told again', async () => {
  const { pushed, send } = await claim('command = "true"');
  expect((await send('POST', 'heartbeat')).body).toEqual({ leaseMs: 120_000, stop: null });
  away.forge.db.run(`UPDATE lane_attempts SET state = 'cancelling' WHERE id = :id`, {
    id: pushed.lane.attempt.id,
  });
  expect((await send('POST', 'heartbeat')).body).toEqual({ leaseMs: 120_000, stop: 'cancelled' });
  const told = { ...success, result: { outcome: 'stopped', cause: 'cancelled' } };
  const answers = await Promise.all([send('POST', 'result', told), send('POST', 'result', told)]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  expect((await send('POST', 'result', success)).status).toBe(200);
  expect(attemptOf(pushed)).toMatchObject({ state: 'cancelled' });
  expect((await send('POST', 'heartbeat')).status).toBe(409);
});

test('the log grows by what is new: what is sent twice counts once, a gap is refused, and too much as well', async () => {
  const { pushed, send } = await claim('command = "true"');
  const log = (offset: number, text: string) => send('POST', `log?offset=${offset}`, Buffer.from(text));
  expect((await log(0, 'one\ntwo\n')).body).toEqual({ size: 8 });
  expect((await log(4, 'two\nthree\n')).body).toEqual({ size: 14 });
  expect((await log(0, 'one\n')).body).toEqual({ size: 14 });
  const gap = await log(20, 'x');
  expect([gap.status, gap.body]).toEqual([
    409,
    { error: expect.objectContaining({ details: { size: 14 } }) },
  ]);
  // A forge that is started anew goes on behind what it has.
  away.ci.agents.logs.close(pushed.lane.attempt.id);
  expect((await log(14, 'four')).body).toEqual({ size: 18 });
  expect(await away.log(laneOf(away.forge, pushed.run, 'away'))).toBe('one\ntwo\nthree\n');
  const folder = logFolder(away.forge, { attemptId: pushed.lane.attempt.id, token: 1 });
  const index = readFileSync(join(folder, 'log.index'));
  const starts = Array.from({ length: index.length / 16 }, (_, line) => index.readDoubleLE(16 * line));
  expect(starts).toEqual([0, 4, 8, 14]);
  const much = Buffer.alloc(1024 * 1024, 'x');
  expect((await send('POST', 'log?offset=18', much)).body).toEqual({ size: 18 + much.length });
  expect((await send('POST', `log?offset=${18 + much.length}`, Buffer.alloc(8192))).status).toBe(413);
});

test('files are kept by what they are and no more than an attempt may leave, and only they count in the result', async () => {
  const { pushed, send } = await claim(everything);
  expect((await send('PUT', `artifacts/${'0'.repeat(64)}`, bytes)).status).toBe(400);
  expect((await send('PUT', `artifacts/${sha256}`, bytes)).status).toBe(204);
  expect((await send('PUT', `artifacts/${sha256}`, bytes)).status).toBe(204);
  const large = Buffer.alloc(3000, 1);
  const name = createHash('sha256').update(large).digest('hex');
  expect((await send('PUT', `artifacts/${name}`, large)).status).toBe(413);
  for (const bad of ['reports/..%2f1.xml', 'reports/0.xml', 'reports/log', 'artifacts/x', 'caches?place=x'])
    expect([bad, (await send('PUT', bad, bytes)).status]).toEqual([bad, 400]);
  expect((await send('PUT', 'caches?place=1', bytes)).status).toBe(404);
  expect((await send('PUT', 'caches?place=0', Buffer.from('no tar file'.repeat(200)))).status).toBe(400);
  const victim = join(away.forge.config.paths.data, 'victim');
  writeFileSync(victim, 'not a cache');
  const result = {
    outcome: 'success',
    exitCode: 0,
    artifacts: [
      { path: 'out/a.txt', bytes: 999, sha256 },
      { path: 'out/missing.txt', bytes: 6, sha256: name },
    ],
    reports: [{ path: 'unit.xml', stored: '1.xml' }],
    caches: [
      { key: 'deps', outcome: 'saved', bytes: 5, place: '../../../victim' },
      { key: 'deps', outcome: 'hit', bytes: 5, place: '../../1' },
    ],
  };
  const outside = { ...result, artifacts: [{ path: '../a', bytes: 6, sha256 }] };
  expect((await send('POST', 'result', { result: outside, folder: '/x' })).status).toBe(400);
  expect((await send('POST', 'result', { result, folder: '/x' })).status).toBe(200);
  const { id, token } = attemptOf(pushed);
  const rows = away.forge.db.all('SELECT path, bytes FROM artifacts WHERE attempt_id = :id', { id });
  expect(rows).toEqual([{ path: 'out/a.txt', bytes: 6 }]);
  expect(readdirSync(join(logFolder(away.forge, { attemptId: id, token }), 'artifacts'))).toEqual([sha256]);
  expect(away.forge.db.all('SELECT key FROM ci_caches')).toEqual([]);
  expect(readFileSync(victim, 'utf8')).toBe('not a cache');
});

const fileOf = (text: string, length = text.length) => {
  const body = Buffer.alloc(length, text);
  return { name: `artifacts/${createHash('sha256').update(body).digest('hex')}`, body };
};
const statusesOf = async (send: Send, files: { name: string; body: Buffer }[]): Promise<number[]> => {
  const answers = await Promise.all(files.map(({ name, body }) => send('PUT', name, body)));
  return answers.map(({ status }) => status).toSorted();
};

test('files that are sent all at once have no more room than one after the other, and a claim has the room of none before it', async () => {
  const { pushed, send } = await claim(everything);
  const large = ['a', 'b', 'c', 'd'].map((text) => fileOf(text, 1500));
  expect(await statusesOf(send, large)).toEqual([204, 413, 413, 413]);
  const small = ['e', 'f', 'g', 'h'].map((text) => fileOf(text, 10));
  expect(await statusesOf(send, small)).toEqual([204, 413, 413, 413]);
  const report = Buffer.from('<testsuite/>');
  const reports = ['1.xml', '2.xml', '1.txt', '1.a'].map((name) => ({
    name: `reports/${name}`,
    body: report,
  }));
  expect(await statusesOf(send, reports)).toEqual([204, 204, 413, 413]);
  expect((await send('PUT', `reports/3.xml`, report)).status).toBe(413);
  const { id, token } = attemptOf(pushed);
  const folder = logFolder(away.forge, { attemptId: id, token });
  expect(readdirSync(join(folder, 'artifacts'))).toHaveLength(2);
  expect(readdirSync(join(folder, 'reports'))).toHaveLength(2);

  lose(pushed);
  const session = newSession();
  await speaker(away.credential(laneOf(away.forge, pushed.run, 'away')))('POST', 'claim', claimBody(session));
  expect(await statusesOf(speaker(session), small.slice(0, 2))).toEqual([204, 204]);
});

/** A tar file that first makes `x` a link to a folder and then writes a file below it, and one that names a folder above. */
function evilTars(folder: string, outside: string): Buffer[] {
  const at = (...names: string[]) => join(folder, ...names);
  mkdirSync(at('one'), { recursive: true });
  mkdirSync(at('two', 'x'), { recursive: true });
  symlinkSync(outside, at('one', 'x'));
  writeFileSync(at('two', 'x', 'evil'), 'evil');
  execFileSync('tar', ['-C', at('one'), '-cf', at('link.tar'), 'x']);
  execFileSync('tar', ['-C', at('two'), '-rf', at('link.tar'), 'x/evil']);
  execFileSync('tar', ['-C', at('two', 'x'), '-cPf', at('above.tar'), '--transform', 's,^,../../,', 'evil']);
  execFileSync('mkfifo', [at('two', 'pipe')]);
  execFileSync('tar', ['-C', at('two'), '-cf', at('pipe.tar'), 'pipe']);
  return ['link.tar', 'above.tar', 'pipe.tar'].map((name) => readFileSync(at(name)));
}

test('a cache that would be written beside its place is refused, and nothing of it stays', async () => {
  const { send } = await claim(everything);
  const outside = join(away.it.folder, 'outside');
  mkdirSync(outside);
  for (const tar of evilTars(join(away.it.folder, 'tars'), outside))
    expect((await send('PUT', 'caches?place=0', tar)).status).toBe(400);
  expect(readdirSync(outside)).toEqual([]);
  const { caches } = away.forge.config.paths;
  const left = readdirSync(caches, { recursive: true }) as string[];
  expect(left.filter((name) => /incoming-|evil|pipe/.test(name))).toEqual([]);
});

test('a lane elsewhere has time to bring and to send things beside its own, and is overdue only then', async () => {
  const [sending, hanging] = [await claim('command = "true"'), await claim('command = "true"')];
  const { graceSeconds, leaseSeconds } = away.forge.config.ci;
  const beganAgo = ({ lane }: PushedLane, moreSeconds: number): void => {
    const seconds = lane.timeoutSeconds + graceSeconds + leaseSeconds + awayMinutes * 60 + moreSeconds;
    const startedAt = away.forge.clock.now() - seconds * 1000;
    const change = 'UPDATE lane_attempts SET started_at = :startedAt WHERE id = :id';
    away.forge.db.run(change, { startedAt, id: lane.attempt.id });
  };
  beganAgo(sending.pushed, -60);
  beganAgo(hanging.pushed, 60);
  await away.ci.scheduler.pass();
  await expect
    .poll(() => attemptOf(hanging.pushed), { timeout: 60_000 })
    .toMatchObject({ state: 'failed', failureKind: 'timeout' });
  expect(attemptOf(sending.pushed).state).toBe('running');
});

test('a lane that a cluster has holds its place there, and none any more when the configuration has no such cluster', async () => {
  const pushed = await away.push('command = "true"');
  const taken = () => ciOverview(away.forge).targets.find(({ name }) => name === 'cluster')?.taken ?? 0;
  const before = taken();
  insertJob(away.forge.db, { attemptId: pushed.lane.attempt.id, target: 'cluster', now: Date.now() });
  expect(taken()).toBe(before + 1);
  await away.restart();
  expect(taken()).toBe(before);
  await away.ci.scheduler.pass();
  expect(attemptOf(pushed)).toMatchObject({ state: 'queued', reason: 'unsatisfiable' });
});
