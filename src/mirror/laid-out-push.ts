// A push of very many refs. Git compares every refspec and every lease with every ref, so ten thousand of them on a command
// line take it minutes. Laid out in a folder of its own, as the refs that are to be there and those that are expected there,
// two patterns say the same.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mirroredPrefixes } from './choose-refs.ts';
import type { RefPush } from './plan-push.ts';

export interface LaidOutPush {
  /** A bare repository that has the refs of the push and reads its objects from the real one. */
  repo: string;
  /** What stands behind the options of `git push`. */
  args: string[];
  close(): Promise<void>;
}

const expectedPrefix = 'refs/expected/';

/** Whether the lease of a push is exact: what is expected there, or nothing. */
export const canBeLaidOut = ({ oid, expected }: RefPush, there: string | undefined): boolean =>
  oid !== undefined && (expected !== undefined || there === undefined);

/** `below` is a folder of the forge's own; the caller closes it in `finally`. */
export async function layOutPush(
  batch: readonly RefPush[],
  { repo, url, below }: { repo: string; url: string; below: string },
): Promise<LaidOutPush> {
  await mkdir(below, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(below, 'p-'));
  await mkdir(join(folder, 'objects/info'), { recursive: true });
  await mkdir(join(folder, 'refs'));
  const lines = batch.flatMap(({ ref, oid, expected }) => [
    { name: ref, oid },
    { name: ref.replace(/^refs\//, expectedPrefix), oid: expected },
  ]);
  const packed = lines
    .filter(({ oid }) => oid !== undefined)
    .map(({ name, oid }) => `${oid} ${name}\n`)
    .toSorted((a, b) => (a.slice(41) < b.slice(41) ? -1 : 1));
  await writeFile(join(folder, 'objects/info/alternates'), `${join(repo, 'objects')}\n`);
  await writeFile(join(folder, 'packed-refs'), packed.join(''));
  await writeFile(join(folder, 'HEAD'), 'ref: refs/heads/none\n');
  const remote = `[remote "there"]\n\turl = "${url}"\n\tfetch = +refs/*:${expectedPrefix}*\n`;
  await writeFile(join(folder, 'config'), `[core]\n\trepositoryformatversion = 0\n\tbare = true\n${remote}`);
  return {
    repo: folder,
    args: [
      '--force-with-lease',
      '--',
      'there',
      ...mirroredPrefixes
        .filter((prefix) => batch.some(({ ref }) => ref.startsWith(prefix)))
        .map((prefix) => `${prefix}*:${prefix}*`),
    ],
    close: () => rm(folder, { recursive: true, force: true }),
  };
}
