// What a lane costs that does nothing: checkout, sandbox, thread, log and the way back.
import { openCi } from '../../src/ci/open.ts';
import { manifest, pushBranch } from '../support/ci.ts';
import { openTestForge } from '../support/forge.ts';
import { inMs, timed, type Figure } from './measure.ts';

const branches = 4;
const lanesPerBranch = 50;
const concurrency = 2;

export async function measureNoOpLanes(): Promise<Figure[]> {
  const lanes = branches * lanesPerBranch;
  const test = await openTestForge({ settings: { ci: { concurrency } } });
  const { forge } = test;
  try {
    const repo = await test.repo('demo/app', { files: { 'README.md': '# App\n' } });
    const files = manifest(
      ...Array.from({ length: lanesPerBranch }, (_, index) => `id = "no-op-${index}"\ncommand = "true"`),
    );
    for (let branch = 0; branch < branches; branch += 1) {
      await pushBranch(forge, repo, { name: `topic-${branch}`, files: { ...files, a: `${branch}` } });
    }
    const ci = await openCi(forge);
    test.defer(() => ci.stop());
    forge.events.on('lane-changed', () => ci.scheduler.wake());
    let ended = 0;
    const failed: string[] = [];
    const all = forge.events.next('lane-changed', ({ attemptId, state }) => {
      if (state === 'success') ended += 1;
      else if (state !== 'running' && state !== 'queued') failed.push(`${attemptId} ${state}`);
      return ended + failed.length === lanes;
    });
    const spent = await timed(async () => {
      ci.start();
      await all;
    });
    if (failed.length > 0) throw new Error(`Lanes that do nothing failed: ${failed.join(', ')}`);
    const how = `${lanes} lanes of ${branches} branches, ${concurrency} at once, sandbox as probed`;
    return [
      { what: `${lanes} no-op lanes`, value: `${(spent / 1000).toFixed(1)} s`, how },
      { what: 'a no-op lane, on one of two places', value: inMs((spent * concurrency) / lanes), how },
    ];
  } finally {
    await test.dispose();
  }
}
