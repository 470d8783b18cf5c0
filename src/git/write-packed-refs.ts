import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Git } from './run.ts';

/**
 * Gives a repository that has no refs yet all of them at once, as git packs them (git-pack-refs(1)). Every object must
 * be there. With thousands of refs, to create each of them in a file of its own takes minutes.
 */
export async function writePackedRefs(
  git: Git,
  repo: string,
  refs: ReadonlyMap<string, string>,
): Promise<void> {
  if (refs.size === 0) return;
  const inOrder = [...refs].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const lines = ['# pack-refs with: sorted ', ...inOrder.map(([ref, oid]) => `${oid} ${ref}`)];
  await writeFile(join(repo, 'packed-refs'), `${lines.join('\n')}\n`, { mode: 0o600, flush: true });
  // Git notes beside each tag what it is about, and refuses what it cannot read.
  await git.run(['pack-refs', '--all'], { repo });
}
