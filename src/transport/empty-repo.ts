import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Forge } from '../forge/open.ts';
import { createBareRepo } from '../git/bare-repo.ts';

/** A repository without anything, to show to whoever is about to create one by a push. */
export async function emptyRepo(forge: Forge): Promise<string> {
  const path = join(forge.config.paths.gitHome, 'empty.git');
  if (!existsSync(join(path, 'HEAD'))) await createBareRepo(forge.git, path, 'main');
  return path;
}
