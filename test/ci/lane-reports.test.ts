// Real lanes that leave reports, in every way of running lanes that works on this machine.
import { expect, test, vi } from 'vitest';
import { failuresOf, totalsOf } from '../../src/ci/tests/find-tests.ts';
import { openCi } from '../../src/ci/open.ts';
import { laneReaching, manifest, pushBranch, runOfBranch } from '../support/ci.ts';
import { useForge } from '../support/forge.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const open = useForge();

/** A test runner that is told nothing of where it runs but what a program sees. */
const runner = `#!/bin/sh
mkdir out
cat > out/junit.xml <<END
<testsuite name="a"><testcase name="passes"/><testcase name="fails"><failure message="no">at $PWD/src/a.ts:3:1</failure></testcase></testsuite>
END
printf '1..2\\nok 1 - fine\\nnot ok 2 - bad\\n# at src/a.ts line 2.\\n' > out/all.tap
ln -s /etc/passwd out/leak.tap
mkfifo out/pipe.xml
exit 1
`;

test.each(['bubblewrap', 'unshare', 'none'])(
  'a lane in %s tells which tests failed, and on which line',
  async (sandbox) => {
    const testForge = await open({ settings: { ci: { sandbox, pollSeconds: 3600, graceSeconds: 1 } } });
    const { forge } = testForge;
    const repo = await testForge.repo('demo/app', { files: { 'src/a.ts': 'a\nb\nc\n' } });
    const ci = await openCi(forge);
    testForge.defer(() => ci.stop());
    const lane = `id = "unit"\ncommand = "sh run.sh"\nreports = ["out/*.xml", "out/*.tap", "none.xml"]`;
    const branch = await pushBranch(forge, repo, {
      name: 'work',
      files: { 'run.sh': runner, ...manifest(lane) },
    });
    await ci.scheduler.pass();
    const { attempt } = await laneReaching(forge, { run: runOfBranch(forge, branch), key: 'unit' });
    // What the reports say is there as soon as the lane has ended, and does not decide how it ended.
    expect(attempt).toMatchObject({ state: 'failed', failureKind: 'test_failure', exitCode: 1 });
    expect(totalsOf(forge, attempt.id)).toMatchObject({
      passed: 2,
      failed: 2,
      reports: [
        { path: 'out/all.tap', tests: 2 },
        { path: 'out/junit.xml', tests: 2 },
        { path: 'none.xml', tests: 0 },
      ],
    });
    expect(failuresOf(forge, attempt.id, 10)).toMatchObject([
      { name: 'bad', file: 'src/a.ts', line: 2, output: 'at src/a.ts line 2.' },
      { suite: 'a', name: 'fails', file: 'src/a.ts', line: 3, output: 'at src/a.ts:3:1' },
    ]);
  },
);
