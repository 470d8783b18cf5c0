// How fast a lane can print when its secrets are masked and every line is indexed, and what memory that takes.
import { setSecret } from '../../src/ci/secrets/set-secret.ts';
import { openCi } from '../../src/ci/open.ts';
import { laneReaching, manifest, pushBranch, runOfBranch } from '../support/ci.ts';
import { openTestForge } from '../support/forge.ts';
import type { Figure } from './measure.ts';

const mebibytes = 400;
const mib = 1024 * 1024;

/** A mebibyte of lines, one of a hundred with a secret, again and again. */
const command = `
line='ok 12345 - the quick brown fox jumps over the lazy dog and back again, 12 ms'
n=0; while [ $n -lt 99 ]; do echo "$line"; n=$((n + 1)); done > hundred
echo "Authorization: Bearer $TOKEN" >> hundred
while [ $(wc -c < block || echo 0) -lt ${mib} ]; do cat hundred >> block; done 2>/dev/null
head -c ${mib} block > whole
n=0; while [ $n -lt ${mebibytes} ]; do cat whole; n=$((n + 1)); done`;

export async function measureLogThroughput(): Promise<Figure[]> {
  const test = await openTestForge({ settings: { ci: { maxLogBytes: (mebibytes + 64) * mib } } });
  const { forge } = test;
  try {
    const lane = `id = "talks"\nsecrets = ["TOKEN"]\ncommand = '''${command}'''`;
    const repo = await test.repo('demo/app', { files: manifest(lane) });
    const { caller } = test.account('ada', 'admin');
    const value = 'a-secret-that-nobody-may-read';
    setSecret(forge, { repo, caller, name: 'TOKEN', value, refs: ['**'] });
    const ci = await openCi(forge);
    test.defer(() => ci.stop());
    // The first lane brings the spare threads with it, which are not what output takes.
    const small = manifest('id = "small"\ncommand = "echo warm"');
    const warm = await pushBranch(forge, repo, { name: 'warm', files: small });
    await ci.scheduler.pass();
    await laneReaching(forge, { run: runOfBranch(forge, warm), key: 'small' });
    const branch = await pushBranch(forge, repo, { name: 'topic', files: { a: 'a' } });
    const first = forge.events.next('lane-output');
    await ci.scheduler.pass();
    await first;
    const before = process.memoryUsage.rss();
    let most = before;
    const watch = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 20);
    const { attempt } = await laneReaching(forge, { run: runOfBranch(forge, branch), key: 'talks' });
    clearInterval(watch);
    if (attempt.state !== 'success' || attempt.logBytes < mebibytes * mib * 0.9)
      throw new Error(`The lane ended ${attempt.state} with a log of ${attempt.logBytes} bytes.`);
    const seconds = ((attempt.finishedAt ?? 0) - (attempt.firstOutputAt ?? 0)) / 1000;
    const how = `${mebibytes} MiB from a lane in its sandbox, a secret in every hundredth line, every line indexed`;
    return [
      { what: 'log throughput with masking', value: `${Math.round(mebibytes / seconds)} MiB/s`, how },
      { what: 'memory that it takes', value: `${Math.round((most - before) / mib)} MiB`, how },
    ];
  } finally {
    await test.dispose();
  }
}
