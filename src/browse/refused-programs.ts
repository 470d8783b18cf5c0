// A file with `export-subst` may ask an archive for what a signature is worth ($Format:%G?$), and git then starts the
// programs that check signatures, with bytes that anybody pushed. `git archive` reads no setting for them, but it looks
// into its own folder of programs first; there they are found, and refuse.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Forge } from '../forge/open.ts';

const programs = ['gpg', 'gpgsm', 'ssh-keygen'];
const written = new WeakSet<Forge>();

/** What to add to the environment of git, so that it starts none of those. */
export function refusePrograms(forge: Forge): Record<string, string> {
  const folder = join(forge.config.paths.gitHome, 'refused-programs');
  if (!written.has(forge)) {
    mkdirSync(folder, { recursive: true });
    for (const name of programs) {
      writeFileSync(join(folder, name), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    }
    written.add(forge);
  }
  return { GIT_EXEC_PATH: folder };
}
