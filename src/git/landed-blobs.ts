// Which contents a range of commits brings into the history: also those that a later commit of it takes out again.
import { readMemoryBytes, type Git } from './run.ts';

export interface LandedBlob {
  path: string;
  /** Undefined where the commit deletes the file. */
  oid: string | undefined;
  /** What stood there before: one for each parent that had the file. */
  oldOids: string[];
}

const maxBytes = 16 * 1024 * 1024;
const maxMs = 30_000;
const none = /^0+$/;
const submodule = '160000';

/**
 * Every file that a commit of `base..head` makes, changes or deletes, commit by commit; of a merge, what it changes of
 * all its parents. Both are full object ids. Refuses (`too_large`, `limited`) a range that is too much to walk.
 */
export async function listLandedBlobs(
  git: Git,
  range: { repo: string; base: string; head: string },
): Promise<LandedBlob[]> {
  const args = ['log', '--raw', '-z', '-c', '--no-renames', '--no-abbrev', '--no-ext-diff', '--format='];
  const { stdout } = await git.run([...args, range.head, `^${range.base}`, '--'], {
    repo: range.repo,
    maxBytes,
    timeoutMs: maxMs,
    maxMemoryBytes: readMemoryBytes,
  });
  return parseRawLog(stdout.toString('utf8'));
}

/**
 * Reads `log --raw -z -c`: `:<old mode> <mode> <old id> <id> <status>` and the path, each with a NUL; a merge of n
 * parents has n colons, n old modes and n old ids (git-diff(1), "diff format for merges").
 */
export function parseRawLog(output: string): LandedBlob[] {
  const fields = output.split('\0');
  const blobs: LandedBlob[] = [];
  for (let at = 0; at + 1 < fields.length;) {
    // Between commits stands a newline, or a field of its own.
    const meta = (fields[at] ?? '').trimStart();
    if (!meta.startsWith(':')) {
      at += 1;
      continue;
    }
    const parents = meta.lastIndexOf(':') + 1;
    const words = meta.slice(parents).split(' ');
    const mode = words[parents];
    const oids = words.slice(parents + 1, 2 * parents + 2);
    const oid = oids.at(-1) ?? '';
    const isGone = none.test(oid) || mode === submodule;
    blobs.push({
      path: fields[at + 1] ?? '',
      oid: isGone ? undefined : oid,
      oldOids: oids.slice(0, -1).filter((old, place) => !none.test(old) && words[place] !== submodule),
    });
    at += 2;
  }
  return blobs;
}
