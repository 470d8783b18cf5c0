import { join } from 'node:path';
import type { Forge } from '../forge/open.ts';

/** Where the bare repository lies. By id, so that a rename moves nothing and no name ever becomes a path. */
export const repoPath = (forge: Forge, repoId: number): string =>
  join(forge.config.paths.repos, `${repoId}.git`);
