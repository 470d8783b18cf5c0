// A tree of a few objects that spells more paths than any disk holds: each folder names the next one many times.
import type { Git } from '../../src/git/run.ts';

/** Answers the object id of a tree with `width` to the power of `levels` files. */
export async function makeBomb(
  git: Git,
  repo: string,
  size: { levels: number; width: number },
): Promise<string> {
  let oid = await git.text(['hash-object', '-w', '--stdin'], { repo, input: 'boom\n' });
  let kind = '100644 blob';
  for (let level = 0; level < size.levels; level += 1) {
    const entries = Array.from({ length: size.width }, (_unused, index) => `${kind} ${oid}\td${index}\n`);
    oid = await git.text(['mktree'], { repo, input: entries.join('') });
    kind = '040000 tree';
  }
  return oid;
}
