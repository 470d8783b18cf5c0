import { emptyTree } from './diff.ts';
import { patchOptions } from './patch-options.ts';
import { readUpTo } from './read-up-to.ts';
import type { Git } from './run.ts';

const args = ['diff-tree', '-r', '-M', '-p', '--binary', ...patchOptions, '--end-of-options'];
const maxMs = 30_000;

/** A patch as `git apply` takes it; undefined when it is over `maxBytes`. An undefined base stands for nothing. */
export async function readPatchText(
  git: Git,
  range: { repo: string; base: string | undefined; head: string; maxBytes: number },
): Promise<Buffer | undefined> {
  const { repo, maxBytes } = range;
  const read = await readUpTo(git, [...args, range.base ?? emptyTree, range.head], { repo, maxBytes, maxMs });
  return read.isWhole ? read.bytes : undefined;
}
