// A push and a clone of 500 MB that no compression makes smaller, and what the forge's processes held meanwhile.
import { randomFillSync } from 'node:crypto';
import { mkdirSync, openSync, closeSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { outputOf } from '../support/run-program.ts';
import { inMs, timed, type Figure } from './measure.ts';
import { forgetPeaks, peakMegabytes } from './server-cost.ts';
import { emptyRepo, openStage, type Stage, type Target } from './targets.ts';

// More objects than git would unpack one by one, as pushes of this size have.
const files = 500;
const fileBytes = 1_000_000;

export async function measureLargePush(): Promise<Figure[]> {
  const stage = await openStage({ name: 'small', commits: 20, files: 20 });
  try {
    await commitRandomFiles(stage);
    const took = new Map<Target, { push: number; clone: number; peaks: number[][] }>();
    for (const target of stage.targets) took.set(target, await pushAndClone(stage, target));
    return [...took].flatMap(([target, { push, clone, peaks }]) => {
      if (!target.isForge) return [];
      const peer = stage.targets.find(({ isForge, transport }) => !isForge && transport === target.transport);
      const other = peer && took.get(peer);
      const beside = (what: 'push' | 'clone', ours: number): string =>
        other === undefined
          ? inMs(ours)
          : `${inMs(ours)} (${peer?.name}: ${inMs(other[what])} = ${(ours / other[what]).toFixed(2)} ×)`;
      const how = (at: number): string =>
        `${files} files of ${fileBytes / 1e6} MB; memory before ${peaks[0]?.join(' + ')} MB, at most ${peaks[at]?.join(' + ')} MB`;
      return [
        { what: `push of 500 MB over ${target.transport}`, value: beside('push', push), how: how(1) },
        { what: `clone of 500 MB over ${target.transport}`, value: beside('clone', clone), how: how(2) },
      ];
    });
  } finally {
    await stage.dispose();
  }
}

async function commitRandomFiles({ ada }: Stage): Promise<void> {
  const chunk = Buffer.alloc(1_000_000);
  mkdirSync(join(ada.checkout, 'large'));
  for (let file = 0; file < files; file += 1) {
    const fd = openSync(join(ada.checkout, 'large', `${file}.bin`), 'w');
    for (let part = 0; part < fileBytes / chunk.length; part += 1) writeSync(fd, randomFillSync(chunk));
    closeSync(fd);
  }
  // Random bytes have no deltas and do not shrink: without the attempts, git is as fast as the transport.
  await ada.git('config', 'core.compression', '0');
  await ada.git('config', 'core.bigFileThreshold', '100k');
  const options = { cwd: ada.checkout, env: ada.env, timeoutMs: 600_000 };
  await outputOf(['git', 'add', '--all'], options);
  await outputOf(['git', 'commit', '--quiet', '-m', 'Add large files'], options);
}

async function pushAndClone(
  { ada, served }: Stage,
  target: Target,
): Promise<{ push: number; clone: number; peaks: number[][] }> {
  process.stderr.write(`500 MB over ${target.transport}: ${target.name}\n`);
  const url = target.url(emptyRepo(target));
  const run = (...args: string[]): Promise<string> =>
    outputOf(['git', ...args], { cwd: ada.checkout, env: ada.env, timeoutMs: 600_000 });
  const peaks: number[][] = [];
  const measured = async (call: () => Promise<string>): Promise<number> => {
    forgetPeaks(target.pids);
    if (peaks.length === 0) peaks.push(peakMegabytes(target.pids));
    const duration = await timed(call);
    peaks.push(peakMegabytes(target.pids));
    return duration;
  };
  const push = await measured(() => run('push', '--quiet', url, 'HEAD:refs/heads/main'));
  const copy = join(served.folder, 'copy');
  const clone = await measured(() => run('clone', '--quiet', '--bare', url, copy));
  rmSync(copy, { recursive: true });
  process.stderr.write(
    `push ${inMs(push)}, clone ${inMs(clone)}, memory ${peaks.map(String).join(' | ')} MB\n`,
  );
  return { push, clone, peaks };
}
