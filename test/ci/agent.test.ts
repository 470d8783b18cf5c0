// Lanes that run away from the forge, in the program that it hands out, as a process of its own.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { logFolder } from '../../src/ci/lanes/launch.ts';
import { listArtifactRows } from '../../src/ci/lanes/yield-store.ts';
import { readLog } from '../../src/ci/logs/log.ts';
import type { Lane } from '../../src/ci/model.ts';
import { cancelRun } from '../../src/ci/recovery/cancel.ts';
import { rerunLanes } from '../../src/ci/recovery/rerun.ts';
import { returnToQueue } from '../../src/ci/recovery/recover.ts';
import { setSecret } from '../../src/ci/secrets/set-secret.ts';
import { failuresOf, totalsOf } from '../../src/ci/tests/find-tests.ts';
import { runViewOf } from '../../src/ci/view.ts';
import { reasonOf } from '../../src/ph/verdict.ts';
import { openAgentForge, type AgentForge, type PushedLane } from '../support/agents.ts';
import { laneOf, laneReaching, manifest } from '../support/ci.ts';
import { pushFiles } from '../support/push-files.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let away: AgentForge;
beforeAll(async () => {
  away = await openAgentForge();
});
afterAll(() => away.dispose());

const now = ({ run }: PushedLane): Lane => laneOf(away.forge, run, 'away');

/** Resolves when the forge has this in the log of the lane. */
const printed = (pushed: PushedLane, text: string): Promise<void> =>
  vi.waitFor(async () => expect(await away.log(now(pushed))).toContain(text), { timeout: 120_000 });

test('a lane runs by the commit of its branch, its log can be read while it runs, and nothing stays on the node', async () => {
  const go = join(away.it.folder, 'go');
  await away.push('command = "true"');
  const pushed = await away.push(
    `command = "cat name.txt; git cat-file --batch-all-objects --batch-check='%(objecttype)' | grep -c commit; until [ -e ${go} ]; do sleep 0.02; done; echo over; exit 3"`,
  );
  const agent = away.start(away.credential(pushed.lane), { node: 'n1' });
  // Its own files, and of the repository nothing but the history of its commit.
  const repo = away.it.repoFolder(away.repo);
  const commits = await away.forge.git.text(['rev-list', '--count', pushed.run.headOid], { repo });
  await printed(pushed, `${pushed.name}\n${commits}\n`);
  const running = now(pushed).attempt;
  expect(running).toMatchObject({ state: 'running', sandbox: 'none', node: 'n1 (job 7)', token: 1 });
  expect(running.firstOutputAt).toBeDefined();
  const seen = runViewOf(away.forge, away.repo, pushed.run).lanes.map(reasonOf);
  expect(seen).toEqual(['on n1 (job 7)']);
  expect(away.survivors().length).toBeGreaterThan(0);
  writeFileSync(go, '');
  expect([await agent.exited, agent.said()]).toEqual([0, '']);
  const ended = now(pushed);
  expect(ended.attempt).toMatchObject({ state: 'failed', failureKind: 'test_failure', exitCode: 3 });
  expect(await away.log(ended)).toMatch(/\nover\n\[pika\] test_failure · exit 3 · after [\d.]+ s\n$/);
  const { size } = await readLog(away.forge, ended.attempt, { from: 0, maxBytes: 1 });
  expect(ended.attempt.logBytes).toBe(size);
  expect(away.leftFolders()).toEqual([]);
  expect(away.survivors()).toEqual([]);
});

const suite = `<testsuite name="sums"><testcase name="adds"/>
<testcase name="takes tok-5f0c9d1e77ab42 away"><failure message="no">src/sum.js:3</failure></testcase></testsuite>`;

test('what it leaves behind is kept as of any lane: artifacts, tests, caches, and no secret of it as text', async () => {
  const { forge, repo, caller } = away;
  setSecret(forge, { repo, caller, name: 'TOKEN', value: 'tok-5f0c9d1e77ab42', refs: ['**'] });
  const lane = `secrets = ["TOKEN"]
artifacts = ["out/**"]
reports = ["unit.xml"]
cache = [{ key = "deps-\${hash:lock}", paths = ["deps"] }]
command = "[ -e deps/one ] && echo warm; mkdir -p deps out; ln -s one deps/two; echo 1 > deps/one; echo built > out/a.txt; cp out/a.txt out/b.txt; cp suite.xml unit.xml; echo token $TOKEN; printf tok-5f0c9; sleep 0.3; echo d1e77ab42"`;
  await pushFiles(forge.git, {
    repo: away.it.repoFolder(repo),
    branch: 'main',
    files: manifest(`id = "away"\ntarget = "cluster"\n${lane}`),
  });
  const files = { 'suite.xml': suite, lock: '1', 'src/sum.js': 'x\n' };
  const first = await away.push(lane, files);
  expect(await away.start(away.credential(first.lane)).exited).toBe(0);
  const { attempt } = now(first);
  expect(attempt).toMatchObject({ state: 'success' });
  const sha256 = expect.stringMatching(/^[0-9a-f]{64}$/) as string;
  expect(listArtifactRows(forge.db, attempt.id)).toEqual([
    { path: 'out/a.txt', bytes: 6, sha256 },
    { path: 'out/b.txt', bytes: 6, sha256 },
  ]);
  const folder = logFolder(forge, { attemptId: attempt.id, token: attempt.token });
  const [row] = listArtifactRows(forge.db, attempt.id);
  expect(readFileSync(join(folder, 'artifacts', row?.sha256 ?? ''), 'utf8')).toBe('built\n');
  expect(totalsOf(forge, attempt.id)).toMatchObject({ passed: 1, failed: 1 });
  const [failure] = failuresOf(forge, attempt.id, 5);
  expect(failure).toMatchObject({ name: 'takes *** away', file: 'src/sum.js', line: 3 });
  const text = await away.log(now(first));
  expect(text).toContain('token ***\n***\n');
  expect(text).toContain('cache deps-');
  expect(text).not.toContain('warm');

  // Of the same branch: what a branch saves is read by its own lanes alone.
  rerunLanes(forge, { repo, run: first.run, caller, scope: 'all' });
  expect(await away.start(away.credential(now(first))).exited).toBe(0);
  const again = await away.log(now(first));
  expect(again).toMatch(/cache deps-[0-9a-f]+: hit/);
  expect(again).toContain('warm');
});

test('a second program with the same credential is refused, and so is one for a lane that nobody wants any more', async () => {
  const pushed = await away.push('command = "echo up; sleep 600"');
  const credential = away.credential(pushed.lane);
  const first = away.start(credential);
  await printed(pushed, 'up\n');
  expect(await away.start(credential).exited).toBe(75);
  expect(now(pushed).attempt).toMatchObject({ state: 'running', token: 1 });
  cancelRun(away.forge, { repo: away.repo, run: pushed.run, caller: away.caller });
  expect(await first.exited).toBe(0);
  expect(now(pushed).attempt).toMatchObject({ state: 'cancelled' });

  const unwanted = await away.push('command = "true"');
  const unused = away.credential(unwanted.lane);
  cancelRun(away.forge, { repo: away.repo, run: unwanted.run, caller: away.caller });
  expect(await away.start(unused).exited).toBe(75);
  expect(now(unwanted).attempt).toMatchObject({ state: 'cancelled', token: 0 });
  expect(away.leftFolders()).toEqual([]);
});

test('a cancelled lane that ignores TERM behind setsid leaves nothing', async () => {
  const stubborn = `trap '' TERM; setsid sh -c \\"trap '' TERM; while :; do sleep 1; done\\" & env -i setsid sleep 600 & echo up; while :; do sleep 1; done`;
  const pushed = await away.push(`command = "${stubborn}"`);
  const agent = away.start(away.credential(pushed.lane));
  await printed(pushed, 'up\n');
  cancelRun(away.forge, { repo: away.repo, run: pushed.run, caller: away.caller });
  // As scancel does: it asks at once, and does not wait for its next heartbeat.
  agent.child.kill('SIGTERM');
  expect(await agent.exited).toBe(0);
  expect(now(pushed).attempt).toMatchObject({ state: 'cancelled', failureKind: 'cancelled' });
  expect(away.survivors()).toEqual([]);
  expect(away.leftFolders()).toEqual([]);
});

test('a program that its node ends gives the lane back, to run again elsewhere', async () => {
  const pushed = await away.push('command = "echo up; sleep 600"');
  const agent = away.start(away.credential(pushed.lane));
  await printed(pushed, 'up\n');
  agent.child.kill('SIGTERM');
  expect(await agent.exited).toBe(0);
  expect(now(pushed).attempt).toMatchObject({
    state: 'queued',
    reason: 'lease_expired',
    reasonDetail: 'its node was told to end it',
  });
  expect(away.survivors()).toEqual([]);
});

test('a program that wakes up after its lane ran elsewhere changes nothing, and ends with all that is its', async () => {
  const pushed = await away.push('command = "echo $PIKA_ATTEMPT; [ -e done ] || echo up; sleep 600 & wait"');
  const old = away.start(away.credential(pushed.lane), { node: 'n1' });
  await printed(pushed, 'up\n');
  old.child.kill('SIGSTOP');
  const { attempt, id: laneId } = now(pushed);
  const claim = { attemptId: attempt.id, laneId, runId: pushed.run.id, token: attempt.token };
  expect(returnToQueue(away.forge, claim, 'its node is gone')).toBe(true);
  const next = away.start(away.credential(now(pushed)), { node: 'n2' });
  await vi.waitFor(() => expect(now(pushed).attempt).toMatchObject({ state: 'running', token: 2 }), {
    timeout: 120_000,
  });
  await printed(pushed, 'up\n');
  old.child.kill('SIGCONT');
  expect(await old.exited).toBe(75);
  expect(now(pushed).attempt).toMatchObject({ state: 'running', token: 2 });
  cancelRun(away.forge, { repo: away.repo, run: pushed.run, caller: away.caller });
  expect(await next.exited).toBe(0);
  expect((await away.log(now(pushed))).match(/^up$/gm)).toHaveLength(1);
  expect(away.survivors()).toEqual([]);
});

test('what a program left that was killed is taken away by the next one on that node', async () => {
  const pushed = await away.push('command = "echo up; setsid sleep 600 & sleep 600"');
  const killed = away.start(away.credential(pushed.lane));
  await printed(pushed, 'up\n');
  killed.child.kill('SIGKILL');
  expect(await killed.exited).toBe('SIGKILL');
  expect(away.leftFolders()).toHaveLength(1);
  const other = await away.push('command = "true"');
  expect(await away.start(away.credential(other.lane)).exited).toBe(0);
  expect([away.leftFolders(), away.survivors()]).toEqual([[], []]);
});

test('in the best sandbox of the node, a lane sees neither the forge nor the credential', async () => {
  const pushed = await away.push(
    `command = "tr '\\\\0' '\\\\n' < /proc/self/environ; ls ${away.it.folder} 2>&1 || true"`,
  );
  const credential = away.credential(pushed.lane);
  const agent = away.start(credential, { sandbox: 'auto' });
  expect([await agent.exited, agent.said()]).toEqual([0, '']);
  const lane = await laneReaching(away.forge, { run: pushed.run, key: 'away' });
  const text = await away.log(lane);
  expect(text).toContain('PIKA_LANE=away');
  expect(text).not.toContain(credential);
  if (lane.attempt.sandbox === 'bubblewrap') expect(text).not.toContain('pika.toml\n');
});

test('a lane outlives a forge that is started anew: its log goes on, and its end is kept', async () => {
  const go = join(away.it.folder, 'go-on');
  const pushed = await away.push(`command = "echo one; until [ -e ${go} ]; do sleep 0.02; done; echo two"`);
  const agent = away.start(away.credential(pushed.lane));
  await printed(pushed, 'one\n');
  await away.restart();
  expect(now(pushed).attempt).toMatchObject({ state: 'running', token: 1 });
  writeFileSync(go, '');
  expect([await agent.exited, agent.said()]).toEqual([0, '']);
  expect(now(pushed).attempt).toMatchObject({ state: 'success', token: 1 });
  expect(await away.log(now(pushed))).toMatch(/\none\ntwo\n\[pika\] success · exit 0/);
});

test('a program that does not reach the forge ends its lane before the lease runs out', async () => {
  const lonely = await openAgentForge();
  try {
    const { run, lane } = await lonely.push('command = "echo up; sleep 600"');
    const agent = lonely.start(lonely.credential(lane));
    const attempt = () => laneOf(lonely.forge, run, 'away').attempt;
    await vi.waitFor(
      async () => expect(await lonely.log(laneOf(lonely.forge, run, 'away'))).toContain('up\n'),
      {
        timeout: 120_000,
      },
    );
    // A short lease from here on, so that nobody has to wait for the end of a long one.
    const before = attempt().leaseUntil ?? 0;
    lonely.forge.config.ci.leaseSeconds = 2;
    await vi.waitFor(() => expect(attempt().leaseUntil).toBeLessThan(before), { timeout: 120_000 });
    await lonely.goAway();
    expect(await agent.exited).toBe(69);
    expect([lonely.leftFolders(), lonely.survivors()]).toEqual([[], []]);
    expect(attempt().state).toBe('running');
  } finally {
    await lonely.dispose();
  }
});
