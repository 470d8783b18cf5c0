// What a target requires since a branch was tested holds the branch, until it has run there too.
import { expect, test } from 'vitest';
import { runAgain } from '../../src/ci/recovery/run-again.ts';
import { claimLanes } from '../../src/ci/scheduler/claim.ts';
import { createMissingRuns } from '../../src/ci/scheduler/create-run.ts';
import { finishAttempt } from '../../src/ci/scheduler/finish.ts';
import { listLanes } from '../../src/ci/find.ts';
import { askGate } from '../../src/landing/gate/gate.ts';
import { weighGate } from '../../src/landing/queue/queue-gate.ts';
import { manifest, pushBranch, runOfBranch } from '../support/ci.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';

const open = useForge({ settings: { ci: { concurrency: 9, graceSeconds: 1, pollSeconds: 3600 } } });
const unit = 'id = "unit"\ncommand = "true"';
const lint = 'id = "lint"\ncommand = "true"';

/** A branch whose run has ended, by the lanes that main had then. */
async function testedBranch(...lanes: string[]) {
  const it = await open();
  const { forge } = it;
  const { caller } = it.account('ada', 'admin');
  const repo = await it.repo('ada/app', { files: { 'README.md': 'x', ...manifest(...lanes) } });
  const branch = await pushBranch(forge, repo, { name: 'work', files: { 'docs/a.md': 'a\n' } });
  await createMissingRuns(forge);
  const run = () => runOfBranch(forge, branch);
  const endAll = (failing?: string) => {
    const order = { owner: 'test', sandbox: 'none', unsatisfiable: undefined };
    for (const claim of claimLanes(forge, order)) {
      const { key } = listLanes(forge, run().id).find(({ id }) => id === claim.laneId)!;
      finishAttempt(
        forge,
        claim,
        key === failing
          ? { state: 'failed', failureKind: 'test_failure' }
          : { state: 'success', exitCode: 0 },
      );
    }
  };
  const landLanes = (...all: string[]) =>
    pushFiles(forge.git, { repo: it.repoFolder(repo), branch: 'main', files: manifest(...all) });
  const holds = async () =>
    (await askGate(forge, { repo, branch, caller })).holds.map(({ kind, message }) => `${kind}: ${message}`);
  const again = () => runAgain(forge, { repo, run: run(), caller, reason: '' });
  const lanesOf = () =>
    listLanes(forge, run().id).map(({ key, attempt }) => `${key}${attempt.number} ${attempt.state}`);
  const queueHolds = async () => {
    const asked = { repo, branch, caller, head: branch.headOid, method: undefined };
    return (await weighGate(forge, { ...asked, moment: 'entering' })).outcome;
  };
  return { run, endAll, landLanes, holds, queueHolds, again, lanesOf };
}

test('a lane that the target requires by now holds a green branch until it has run, alone', async () => {
  const { run, endAll, landLanes, holds, again, lanesOf } = await testedBranch(unit);
  endAll();
  expect(await holds()).toEqual([]);
  await landLanes(unit, lint);
  expect(await holds()).toEqual(['lane_not_green: main requires the lane lint since this was tested.']);
  expect((await again()).id).toBe(run().id);
  expect(lanesOf()).toEqual(['unit1 success', 'lint1 queued']);
  expect(await holds()).toEqual(['lane_not_green: The lane lint is queued.']);
  endAll();
  expect(run().state).toBe('success');
  expect(await holds()).toEqual([]);
});

test('the queue takes the branch as it is, for it tests the merge by what the target requires', async () => {
  const { endAll, landLanes, queueHolds } = await testedBranch(unit);
  expect(await queueHolds()).toBe('held');
  endAll();
  await landLanes(unit, lint);
  expect(await queueHolds()).toBe('open');
});

test('a lane comes with what it needs, and one whose paths the branch does not touch is left out', async () => {
  const { endAll, landLanes, holds, again, lanesOf } = await testedBranch(unit);
  endAll();
  await landLanes(
    unit,
    `${lint}\nneeds = ["install"]`,
    'id = "install"\ncommand = "true"\nrequired = false',
    'id = "code"\ncommand = "true"\npaths = ["src/**"]',
  );
  expect(await holds()).toEqual(['lane_not_green: main requires the lane lint since this was tested.']);
  await again();
  expect(lanesOf()).toEqual(['unit1 success', 'lint1 queued', 'install1 queued', 'code1 skipped']);
});

test('a lane that failed while nobody asked for it holds when it is required', async () => {
  const docs = 'id = "docs"\ncommand = "true"';
  const optional = [lint, docs].map((lane) => `${lane}\nrequired = false`);
  const { endAll, landLanes, holds } = await testedBranch(unit, ...optional);
  endAll('lint');
  expect(await holds()).toEqual([]);
  await landLanes(unit, lint, docs);
  expect(await holds()).toEqual([expect.stringMatching(/^lane_not_green: The lane lint failed/)]);
});

test('a target that moves on with the same lanes, or loses its manifest, asks for nothing more', async () => {
  const { endAll, landLanes, holds, again, lanesOf } = await testedBranch(unit);
  endAll();
  await landLanes(unit);
  expect(await holds()).toEqual([]);
  await landLanes('id = 12');
  expect(await holds()).toEqual([]);
  // Without anything new, all of it runs again.
  await again();
  expect(lanesOf()).toEqual(['unit2 queued']);
});
