// Which secrets cannot be opened: their key was lost, or is not the one that they were sealed with.
import { existsSync } from 'node:fs';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { listRepos } from '../../repos/find.ts';
import { fullName } from '../../repos/model.ts';
import { openSealed, readSealKey, sealKeyPath } from '../../lib/seal.ts';
import { getSealed, listSecretRows } from './secret-store.ts';
import { placeOfSecret } from './set-secret.ts';

/** `owner/name NAME` of each. Changes nothing; a key that is gone stays gone. */
export function listUnreadableSecrets(forge: Forge): string[] {
  const key = findKey(forge);
  return listRepos(forge).flatMap((repo) =>
    listSecretRows(forge.db, repo.id)
      .filter(({ name }) => {
        const sealed = getSealed(forge.db, repo.id, name);
        return !key || !sealed || openSealed(key, sealed, placeOfSecret(repo.id, name)) === undefined;
      })
      .map(({ name }) => `${fullName(repo)} ${name}`),
  );
}

function findKey(forge: Forge): Buffer | undefined {
  const { keys } = forge.config.paths;
  if (!existsSync(sealKeyPath(keys))) return undefined;
  try {
    return readSealKey(keys);
  } catch (error) {
    if (error instanceof ForgeError) return undefined;
    throw error;
  }
}
