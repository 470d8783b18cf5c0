// What becomes of running lanes while the web thread can do nothing at all: their own threads keep them alive up to
// the end of the lease, and their output goes on.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openCi } from '../../src/ci/open.ts';
import { listLanes } from '../../src/ci/find.ts';
import { logFolder } from '../../src/ci/lanes/launch.ts';
import { indexName, indexRecordBytes } from '../../src/ci/logs/log-file.ts';
import { manifest, pushBranch, runOfBranch } from '../support/ci.ts';
import { openTestForge } from '../support/forge.ts';
import { inMs, type Figure } from './measure.ts';

const leaseSeconds = 8;
const blockedMs = 4000;
const lanes = 4;

export async function measureBlockedWebThread(): Promise<Figure[]> {
  const settings = { ci: { concurrency: lanes, leaseSeconds, heartbeatSeconds: 1, graceSeconds: 1 } };
  const test = await openTestForge({ settings });
  const { forge } = test;
  try {
    const repo = await test.repo('demo/app', { files: { 'README.md': '# App\n' } });
    const files = manifest(
      ...Array.from(
        { length: lanes },
        (_, index) => `id = "talks-${index}"\ncommand = "while :; do echo tick; sleep 0.05; done"`,
      ),
    );
    const branch = await pushBranch(forge, repo, { name: 'topic', files });
    const ci = await openCi(forge);
    test.defer(() => ci.stop());
    const talking = new Set<number>();
    const all = forge.events.next('lane-output', ({ laneId }) => talking.add(laneId).size === lanes);
    await ci.scheduler.pass();
    await all;
    const began = Date.now();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, blockedMs);
    const ended = Date.now();
    // The words of the blocked time are heard, and the scheduler looks after everything.
    await forge.events.next('lane-output');
    await ci.scheduler.pass();
    const alive = listLanes(forge, runOfBranch(forge, branch).id).filter(
      ({ attempt }) => attempt.state === 'running' && attempt.token === 1,
    );
    const gaps: number[] = [];
    for (const { attempt } of alive) {
      const folder = logFolder(forge, { attemptId: attempt.id, token: attempt.token });
      const times = lineTimes(folder).filter((at) => at > began && at < ended);
      gaps.push(...times.slice(1).map((at, index) => at - (times[index] ?? at)));
    }
    const how = `${lanes} lanes with a lease of ${leaseSeconds} s print every 50 ms; the web thread does nothing for ${blockedMs / 1000} s`;
    return [
      { what: 'lanes that outlive a blocked web thread', value: `${alive.length} of ${lanes}`, how },
      { what: 'longest pause in their output meanwhile', value: inMs(Math.max(...gaps)), how },
    ];
  } finally {
    await test.dispose();
  }
}

/** When each line of a log was printed, UTC milliseconds. */
function lineTimes(folder: string): number[] {
  const index = readFileSync(join(folder, indexName));
  const count = Math.floor(index.length / indexRecordBytes);
  return Array.from({ length: count }, (_, line) => index.readDoubleLE(line * indexRecordBytes + 8));
}
