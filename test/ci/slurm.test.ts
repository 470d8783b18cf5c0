// Lanes on a real Slurm of two nodes: where they run, what each mishap makes of them, and that nothing of them stays.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readClusterMark } from '../../src/forge/cluster-mark.ts';
import { commentOf } from '../../src/ci/lanes/slurm/job-comment.ts';
import { Cluster, programsOf } from '../support/cluster.ts';
import { whyNoSlurm } from '../support/slurm.ts';
import { until } from '../support/until.ts';

const why = whyNoSlurm();
if (why !== undefined) console.log(`skipped: ${why}`);

// Slurm looks at its nodes and its queue when it likes; a loaded machine makes it take its time.
const patience = 180_000;

describe.skipIf(why !== undefined)('lanes on a cluster', { timeout: patience }, () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await Cluster.open();
  }, patience);
  afterAll(() => cluster.dispose(), patience);
  /** The lane goes on when the file is there. */
  const gate = (name: string) => join(cluster.shared, name);
  const waitsFor = (name: string) => `until [ -e ${gate(name)} ]; do sleep 0.1; done`;
  const open = (name: string) => writeFileSync(gate(name), '');

  test('a lane runs on a node, is read while it runs, and its verdict is its own', async () => {
    const lane = await cluster.start(
      'plain',
      `echo hello; ${waitsFor('go')}; echo result > out.txt; exit 3`,
      { artifacts: ['out.txt'] },
    );
    const running = await cluster.printed(lane, 'hello');
    expect(running.attempt).toMatchObject({ state: 'running', sandbox: 'unshare' });
    open('go');
    const ended = await cluster.end(lane);
    expect(ended.attempt).toMatchObject({ state: 'failed', failureKind: 'test_failure', exitCode: 3 });
    expect(cluster.artifactsOf(lane)).toMatchObject([{ path: 'out.txt', bytes: 7 }]);
    await cluster.gone(lane);
    expect(cluster.jobsOf(lane)).toMatchObject([{ ending: 'over' }]);
  });

  test('a lane whose node dies runs on the other node, and what the old copy says later is refused', async () => {
    const starts = gate('starts');
    const first = `echo first; ${waitsFor('wake')}; echo old > out.txt; exit 1`;
    const lane = await cluster.start(
      'lost',
      `echo start >> ${starts}; echo copy > out.txt; [ $(wc -l < ${starts}) -gt 1 ] || { ${first}; }; echo second`,
      { artifacts: ['out.txt'] },
    );
    await cluster.printed(lane, 'first');
    const [old] = cluster.jobsOf(lane);
    const node = await cluster.nodeOf(lane);
    const agent = cluster.agentOf(old?.jobId ?? 0);
    const lengthen = await cluster.shortenLease(lane);
    await cluster.slurm.kill(node);
    process.kill(agent, 'SIGSTOP');
    lengthen();
    const ended = await cluster.end(lane);
    expect(ended.attempt).toMatchObject({ state: 'success', token: 2, number: 1 });
    expect(cluster.jobsOf(lane)).toMatchObject([{ ending: 'lost', node }, {}]);
    expect(await cluster.nodeOf(lane)).not.toBe(node);
    // The old copy wakes, and its lane comes to an end of its own.
    open('wake');
    process.kill(agent, 'SIGCONT');
    await until('the old copy is gone', () => programsOf(cluster.slurm, old?.jobId ?? 0).length === 0);
    const after = cluster.now(lane);
    expect(after).toEqual(ended);
    expect(await cluster.log(after)).not.toContain('first');
    expect(cluster.artifactsOf(lane)).toMatchObject([{ path: 'out.txt', bytes: 5 }]);
    expect(cluster.verdictsOf(lane)).toBe(1);
    cluster.slurm.startNode(node);
    await cluster.gone(lane);
  });

  test('a cancelled lane that ignores TERM and hides children behind setsid leaves nothing', async () => {
    const stubborn = `trap '' TERM; setsid sh -c "trap '' TERM; while :; do sleep 1; done" & setsid setsid sleep 600 & echo up; while :; do sleep 1; done`;
    const lane = await cluster.start('stubborn', stubborn);
    await cluster.printed(lane, 'up');
    cluster.cancel(lane);
    const ended = await cluster.end(lane);
    expect(ended.attempt).toMatchObject({ state: 'cancelled', failureKind: 'cancelled' });
    await cluster.gone(lane);
  });

  test('a newer head cancels what runs on a node', async () => {
    const lane = await cluster.start('moved', 'echo up; sleep 600');
    await cluster.printed(lane, 'up');
    const newer = await cluster.start('moved', 'echo newer', { branch: 'moved' });
    const old = await cluster.end(lane);
    expect(old.attempt.state).toBe('cancelled');
    expect(old.attempt.message).toContain('superseded');
    expect((await cluster.end(newer)).attempt.state).toBe('success');
    await cluster.gone(lane);
    await cluster.gone(newer);
  });

  test('a lane that takes too long is a timeout, and one that prints nothing an idle timeout', async () => {
    const slow = await cluster.start('slow', 'while :; do echo x; sleep 0.1; done', { timeoutSeconds: 1 });
    const idle = await cluster.start('idle', 'echo up; sleep 600', { idleSeconds: 1 });
    expect((await cluster.end(slow)).attempt).toMatchObject({ state: 'failed', failureKind: 'timeout' });
    expect((await cluster.end(idle)).attempt).toMatchObject({ state: 'failed', failureKind: 'idle_timeout' });
    await cluster.gone(slow);
    await cluster.gone(idle);
  });

  test('a drained node finishes its lane; one that finds no node says so, is cancelled at once, and is withdrawn', async () => {
    const lane = await cluster.start('drained', `echo up; ${waitsFor('drain')}`);
    await cluster.printed(lane, 'up');
    await cluster.slurm.ask('scontrol', 'update', 'NodeName=n1,n2', 'State=DRAIN', 'Reason=test');
    try {
      const waiting = await cluster.start('nowhere', 'echo never');
      await until('it says why it waits', () =>
        /Slurm job \d+ waits: \w/.test(cluster.now(waiting).attempt.reasonDetail ?? ''),
      );
      await until('it names the nodes', () =>
        /Resources|ReqNodeNotAvail/.test(cluster.now(waiting).attempt.reasonDetail ?? ''),
      );
      expect(cluster.now(waiting).attempt).toMatchObject({ state: 'queued', reason: 'waiting_for_capacity' });
      cluster.cancel(waiting);
      expect(cluster.now(waiting).attempt).toMatchObject({ state: 'cancelled', token: 0 });
      await cluster.gone(waiting);
      open('drain');
      expect((await cluster.end(lane)).attempt.state).toBe('success');
    } finally {
      await cluster.slurm.ask('scontrol', 'update', 'NodeName=n1,n2', 'State=RESUME');
    }
    await cluster.gone(lane);
  });

  test('while the controller of Slurm is away, lanes run on and others wait with that reason; then all goes on', async () => {
    const lane = await cluster.start('bridging', `echo up; ${waitsFor('bridge')}; echo down`);
    await cluster.printed(lane, 'up');
    await cluster.slurm.kill('controller', 'SIGTERM');
    const later = await cluster.start('later', 'echo done');
    await until('it waits for Slurm', () => cluster.now(later).attempt.reason === 'target_unhealthy');
    expect(cluster.now(later).attempt.reasonDetail).toContain('Slurm does not answer');
    open('bridge');
    expect((await cluster.end(lane)).attempt.state).toBe('success');
    expect(cluster.now(later).attempt.state).toBe('queued');
    cluster.slurm.startController();
    expect((await cluster.end(later)).attempt).toMatchObject({ state: 'success', token: 1 });
    await cluster.gone(lane);
    await cluster.gone(later);
  });

  test('a job that somebody ends at the cluster gives its lane back to the queue, and it runs anew', async () => {
    const starts = gate('vanishing');
    const lane = await cluster.start(
      'vanishing',
      `echo start >> ${starts}; echo copy $(wc -l < ${starts}); [ $(wc -l < ${starts}) -gt 1 ] || sleep 600`,
    );
    await cluster.printed(lane, 'copy 1');
    const [job] = cluster.jobsOf(lane);
    await cluster.slurm.ask('scancel', String(job?.jobId));
    const ended = await cluster.end(lane);
    expect(ended.attempt).toMatchObject({ state: 'success', token: 2 });
    await cluster.gone(lane);
    expect(cluster.jobsOf(lane)).toMatchObject([{ ending: 'broken' }, { ending: 'over' }]);
  });

  test('a lane whose job Slurm has forgotten waits for the end of its lease, and runs anew', async () => {
    const starts = gate('forgotten');
    const lane = await cluster.start(
      'forgotten',
      `echo start >> ${starts}; echo copy $(wc -l < ${starts}); [ $(wc -l < ${starts}) -gt 1 ] || sleep 600`,
    );
    await cluster.printed(lane, 'copy 1');
    const lengthen = await cluster.shortenLease(lane);
    await cluster.slurm.kill('controller', 'SIGTERM');
    cluster.slurm.startForgetful();
    await until('it runs anew', () => cluster.now(lane).attempt.state === 'queued');
    lengthen();
    expect((await cluster.end(lane)).attempt).toMatchObject({ state: 'success', token: 2 });
    await cluster.gone(lane);
    expect(cluster.jobsOf(lane)).toHaveLength(2);
  });

  test('a forge that is started again finds its lanes running, and ends the jobs of its own that it does not know', async () => {
    const lane = await cluster.start('surviving', `echo up; ${waitsFor('survive')}; echo on`);
    await cluster.printed(lane, 'up');
    const mark = readClusterMark(cluster.forge.config);
    const [job] = cluster.jobsOf(lane);
    const known = commentOf(mark, { runId: lane.runId, attemptId: lane.attempt.id, rowId: job?.id ?? 0 });
    const stray = await cluster.sleepAt(commentOf(mark, { runId: 1, attemptId: 1, rowId: 4711 }));
    // Of another user, who has seen what the forge writes; it never starts.
    const theirs = await cluster.sleepAt(known, '--uid=65534', '--hold');
    // As if the forge had died before it heard of the number.
    cluster.forge.db.run('UPDATE slurm_jobs SET job_id = NULL WHERE id = :id', { id: job?.id ?? 0 });
    const port = await cluster.stopForge();
    await cluster.startForge(port);
    expect(cluster.now(lane).attempt).toMatchObject({ state: 'running', token: 1 });
    open('survive');
    expect((await cluster.end(lane)).attempt).toMatchObject({ state: 'success', token: 1 });
    await cluster.gone(lane);
    await until('the stray job is gone', async () => !(await cluster.slurm.jobs()).includes(stray));
    expect(await cluster.slurm.jobs()).toEqual([theirs]);
    await cluster.slurm.ask('scancel', theirs);
  });
});
