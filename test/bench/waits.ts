// What two hundred clients that wait for a branch, as `ph wait --for landed` does, cost the forge while nothing
// happens, and how soon each knows when something does.
import { setTimeout as pause } from 'node:timers/promises';
import { branchView } from '../../src/branches/model.ts';
import { waitView } from '../../src/landing/model.ts';
import { makePh } from '../support/ph.ts';
import { manifestOf, pushBranch, pushProject } from '../support/sample-project.ts';
import { disposeServed, startForge } from '../support/serve.ts';
import { inMs, median, quantile, type Figure } from './measure.ts';
import { computedMs, familyOf } from './server-cost.ts';

const waits = 200;
const quietSeconds = 30;

export async function measureWaits(): Promise<Figure[]> {
  const served = await startForge();
  try {
    const ada = await served.person('ada', 'admin');
    const ph = await makePh(served, ada);
    const files = { '.pika/lanes.toml': manifestOf([{ id: 'unit', command: 'true' }]), 'a.txt': 'a\n' };
    await pushProject(served, { client: ada, repo: 'demo/app', files });
    const { head } = await pushBranch(ada, { name: 'topic', message: 'Topic', files: { 'a.txt': 'b\n' } });
    if ((await ph('wait')).status !== 0) throw new Error('The branch of the benchmark is not green.');

    const headers = { authorization: `Bearer ${await served.token('ada')}` };
    const branch = `${served.http}/api/v1/repos/demo/app/branches/1`;
    const wait = async (seen: string, timeout: number) => {
      const query = new URLSearchParams({ commit: head, for: 'landed', seen, timeout: String(timeout) });
      const response = await fetch(`${branch}/wait?${query.toString()}`, { headers });
      return { ...waitView.parse(await response.json()), at: Date.now() };
    };
    const pids = familyOf(served.pid);
    const quiet = async (): Promise<number> => {
      const before = computedMs(pids);
      await pause(quietSeconds * 1000);
      return computedMs(pids) - before;
    };

    const { seen } = await wait('', 0);
    await quiet();
    const alone = await quiet();
    const waiting = Array.from({ length: waits }, () => wait(seen, 600));
    // Until all of them are with the forge; what comes then is what waiting costs.
    await pause(3000);
    const together = await quiet();
    const before = computedMs(pids);
    const closed = await fetch(`${branch}/close`, { method: 'POST', headers });
    const changedAt = Date.parse(branchView.parse(await closed.json()).updatedAt);
    const told = await Promise.all(waiting);
    const computed = computedMs(pids) - before;
    const late = told.filter(({ outcome }) => outcome !== 'settled').length;
    if (late > 0) throw new Error(`${late} of ${waits} waits ended without the change.`);
    const times = told.map(({ at }) => at - changedAt);
    return [
      {
        what: `processor time of the forge with ${waits} waits`,
        value: `${inMs(together)} in ${quietSeconds} s`,
        how: `nothing changes; without a wait ${inMs(alone)}`,
      },
      {
        what: 'from the change to the end of a wait',
        value: inMs(median(times)),
        how: `${waits} at once for one branch that is closed; p95 ${inMs(quantile(times, 0.95))}, last ${inMs(Math.max(...times))}; the forge computed ${inMs(computed)} for the change and all answers`,
      },
    ];
  } finally {
    await disposeServed(served);
  }
}
