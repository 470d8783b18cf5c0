// A mark of what a change does, whatever it stands on: two ranges with the same mark were only moved. It is not git's
// own patch id, which takes two patches that differ in white space for the same one.
import { createHash } from 'node:crypto';
import { emptyTree } from './diff.ts';
import { patchOptions } from './patch-options.ts';
import { readUpTo } from './read-up-to.ts';
import type { Git } from './run.ts';

const args = ['diff-tree', '-r', '-p', '-U3', '--no-renames', ...patchOptions, '--end-of-options'];
const maxMs = 30_000;

/** The mark of `base..head`, with an undefined base from nothing; undefined when the change is over `maxBytes`. */
export async function markPatch(
  git: Git,
  range: { repo: string; base: string | undefined; head: string; maxBytes: number },
): Promise<string | undefined> {
  const ends = [range.base ?? emptyTree, range.head];
  const { bytes, isWhole } = await readUpTo(git, [...args, ...ends], {
    repo: range.repo,
    maxBytes: range.maxBytes,
    maxMs,
  });
  return isWhole ? hashPatch(bytes) : undefined;
}

/**
 * Leaves out what only says where: the line numbers of hunks, and the ids of text files, which change with everything
 * around the patch. Of a binary file the ids are all there is.
 */
function hashPatch(patch: Buffer): string {
  const hash = createHash('sha256');
  let index: Buffer | undefined;
  for (let at = 0; at < patch.length;) {
    const newline = patch.indexOf(10, at);
    const end = newline < 0 ? patch.length : newline + 1;
    const line = patch.subarray(at, end);
    at = end;
    // Lines of content begin with a sign, a space or a backslash, so none can pose as one of these.
    if (startsWith(line, '@@ ')) hash.update('@@\n');
    else if (startsWith(line, 'index ')) index = line;
    else {
      if (startsWith(line, 'Binary files ') && index !== undefined) hash.update(index);
      hash.update(line);
    }
  }
  return hash.digest('hex');
}

const startsWith = (line: Buffer, text: string): boolean =>
  line[0] === text.charCodeAt(0) && line.subarray(0, text.length).toString('latin1') === text;
