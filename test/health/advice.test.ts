import { expect, test } from 'vitest';
import { listProblems, type Looked } from '../../src/health/advice.ts';
import type { Check } from '../../src/health/model.ts';
import { scanRepo } from '../../src/branches/scan.ts';
import { createLog } from '../../src/lib/log.ts';
import { Loop, type LoopStatus } from '../../src/lib/loop.ts';
import { SettableClock } from '../../src/lib/clock.ts';
import { useForge, type TestForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';

const open = useForge();
const hour = 3_600_000;

const sound: Looked = {
  checks: [{ name: 'git', fault: undefined }],
  loops: [],
  ci: { isSandboxed: () => true, quarantined: () => [] },
  delay: { p50Ms: 1, p99Ms: 2, maxMs: 3 },
  more: [],
};

const problems = ({ forge }: TestForge, looked: Partial<Looked> = {}) =>
  listProblems(forge, { ...sound, ...looked });

async function failing(): Promise<LoopStatus> {
  const loop = new Loop({
    name: 'limping',
    pollMs: hour,
    log: createLog('silent'),
    now: () => 0,
    runOnce: () => {
      throw new Error('no luck');
    },
  });
  loop.start();
  await loop.settled();
  const status = loop.status();
  await loop.stop();
  return status;
}

/** Nothing else may be told, and what is told has a way out. */
function only(found: ReturnType<typeof problems>, severity: string, what: RegExp): void {
  expect(found).toEqual([expect.objectContaining({ severity, what: expect.stringMatching(what) })]);
  expect(found[0]?.todo).toMatch(/^[A-Z].*\.$/);
}

test('a forge with which all is well has nothing to see to', async () => {
  const testForge = await open();
  await testForge.repo('ada/app', { files: { a: 'a' } });
  expect(problems(testForge)).toEqual([]);
});

test('what keeps people from working stands before what will', async () => {
  const testForge = await open();
  const checks: Check[] = [{ name: 'ssh', fault: 'The SSH server does not answer.' }];
  const ci = { isSandboxed: () => false, quarantined: () => [] };
  const found = problems(testForge, { checks, ci, loops: [await failing()] });
  expect(found.map(({ severity }) => severity)).toEqual(['fault', 'fault', 'warning']);
  expect(found.map(({ what }) => what).join('\n')).toMatch(
    /does not answer[^]*loop limping failed once: no luck[^]*No sandbox/,
  );
});

test('a pass that hangs is told once it takes longer than it ever should', async () => {
  const clock = new SettableClock();
  const testForge = await open({ clock });
  const loop = { ...(await failing()), state: 'active' as const, activeSince: clock.now() };
  expect(problems(testForge, { loops: [loop] })).toEqual([]);
  clock.advance(hour);
  only(problems(testForge, { loops: [loop] }), 'warning', /limping takes 60 minutes/);
});

test('a disk that will soon be full is told before it is', async () => {
  const testForge = await open({ settings: { health: { lowDiskMebibytes: 1e9 } } });
  only(problems(testForge), 'warning', /disk will soon be full/);
});

test('a pause of CI is told with its reason', async () => {
  const clock = new SettableClock();
  const testForge = await open({ clock });
  const { forge } = testForge;
  const { account } = testForge.account('root', 'admin');
  forge.db.run("INSERT INTO ci_pause (paused_at, paused_by, reason) VALUES (0, :id, 'new disk')", {
    id: account.id,
  });
  only(problems(testForge), 'warning', /CI is paused by root: new disk/);
});

test('a branch that lost its commit is told, with the way to it', async () => {
  const testForge = await open();
  const { forge } = testForge;
  const repo = await testForge.repo('ada/app', { files: { a: 'a' } });
  const place = testForge.repoFolder(repo);
  await pushFiles(forge.git, { repo: place, branch: 'topic', files: { b: 'b' } });
  await scanRepo(forge, repo);
  forge.db.run("UPDATE branches SET broken_reason = 'its commit is missing' WHERE name = 'topic'");
  const found = problems(testForge);
  only(found, 'fault', /branch topic of ada\/app cannot be read: its commit is missing/);
  expect(found[0]?.link).toBe('/ada/app/branches/1');
});

test('repositories that could not be looked after, and queues that somebody paused, are told', async () => {
  const testForge = await open();
  const { forge } = testForge;
  const repo = await testForge.repo('ada/app', { files: { a: 'a' } });
  forge.db.run(
    `INSERT INTO housekeeping (repo_id, state, steps, error, before, started_at)
     VALUES (:id, 'failed', '[]', 'repack: no room', '{}', 0)`,
    { id: repo.id },
  );
  only(problems(testForge), 'warning', /housekeeping of ada\/app failed: repack: no room/);
  forge.db.exec('DELETE FROM housekeeping');
  forge.db.run("INSERT INTO landing_pauses (repo_id, paused_at, reason) VALUES (:id, 0, 'release')", {
    id: repo.id,
  });
  only(problems(testForge), 'warning', /queue of ada\/app is paused by somebody who is gone: release/);
});

test('a receiver of a webhook that fails for long, and files of settings that are not there, are told', async () => {
  const testForge = await open({ settings: { health: { metricsTokenFile: '/nonexistent/token' } } });
  only(problems(testForge), 'warning', /metricsTokenFile is not there/);
  const { health, mirror } = testForge.forge.config;
  [health.metricsTokenFile, mirror.caFile] = [undefined, '/nonexistent/ca.pem'];
  only(problems(testForge), 'warning', /mirror\.caFile is not there.* no remote can be reached over HTTPS/);
  mirror.caFile = undefined;
  const repo = await testForge.repo('ada/app');
  testForge.forge.db.run(
    `INSERT INTO webhooks (repo_id, url, events, sealed, active, starts_at, told_until, failures, created_at, updated_at)
     VALUES (:id, 'https://example.org', '[]', x'', 1, 0, 0, 7, 0, 0)`,
    { id: repo.id },
  );
  only(problems(testForge), 'warning', /webhook of ada\/app failed 7 times/);
});

test('a program that is late for what is due says so, and so does one that nobody told its address', async () => {
  const testForge = await open();
  only(problems(testForge, { delay: { p50Ms: 1, p99Ms: 900, maxMs: 2000 } }), 'warning', /lasted 900 ms/);
  const far = await open({ settings: { http: { host: '0.0.0.0', port: 0 } } });
  only(problems(far), 'warning', /by which address it is reached/);
});
