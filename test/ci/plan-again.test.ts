import { expect, test } from 'vitest';
import { getRun } from '../../src/ci/find.ts';
import { planAgain } from '../../src/ci/scheduler/plan-again.ts';
import { useForge } from '../support/forge.ts';
import { laneText, StagedQueue } from '../support/staged-queue.ts';

const open = useForge();

test('a run that could not be planned is planned again under its number, and once however many ask', async () => {
  const queue = await StagedQueue.open(open);
  const { forge } = queue;
  const run = await queue.push('work', [laneText('a'), laneText('b')]);
  // As if git had not answered when it was planned.
  forge.db.exec(`DELETE FROM lanes; UPDATE runs SET state = 'failed', problem = 'git did not answer'`);
  const broken = getRun(forge, run.id);
  const asked = await Promise.allSettled([planAgain(forge, broken), planAgain(forge, broken)]);
  const refused = asked.flatMap((one) => (one.status === 'rejected' ? [(one.reason as Error).message] : []));
  expect(refused).toEqual(['Run 1 has its lanes; rerun them instead.']);
  expect(queue.states(run)).toEqual(['a queued ready', 'b queued ready']);
  expect(getRun(forge, run.id)).toMatchObject({
    number: run.number,
    state: 'queued',
    problem: undefined,
    treeOid: run.treeOid,
  });
  await expect(planAgain(forge, getRun(forge, run.id))).rejects.toThrow('Run 1 has its lanes');
  queue.end(queue.start('a'), { state: 'success' });
  expect(queue.lane(run, 'a').attempt.cause).toBe('rerun');
});

test('a run whose commit still cannot be planned keeps its number and says the new problem', async () => {
  const queue = await StagedQueue.open(open);
  const { forge } = queue;
  const run = await queue.push('work', ['id = "a"\n']);
  expect(run.problem).toMatch(/line 1: command/);
  forge.db.exec(`UPDATE runs SET problem = 'git did not answer'`);
  await planAgain(forge, getRun(forge, run.id));
  expect(getRun(forge, run.id)).toMatchObject({ state: 'failed', problem: run.problem, number: 1 });
});
