import type { Forge } from '../forge/open.ts';
import type { Caller } from './model.ts';
import { stampLastUse } from './store.ts';
import { findDeployKey } from './store-deploy-keys.ts';
import { deployKeyAccount } from './system.ts';

/** The caller who proved to hold a deploy key; found by the key, or by its fingerprint for what was made with it. */
export function findDeployKeyCaller(
  forge: Forge,
  where: { blob: string } | { fingerprint: string },
  address: string,
): Caller | undefined {
  const row = findDeployKey(forge.db, where);
  if (row === undefined) return undefined;
  stampLastUse(forge.db, 'deploy_keys', { id: row.id, now: forge.clock.now() });
  const right = row.canWrite === 1 ? 'write' : 'read';
  return {
    account: deployKeyAccount(forge),
    scope: right,
    credential: `deploy-key ${row.fingerprint}`,
    address,
    onlyRepo: { id: row.repoId, right },
  };
}
