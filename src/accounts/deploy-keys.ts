// SSH keys that a repository takes for itself, to read or to write; whoever signs in with one acts as nobody's account
// and reaches nothing but that repository.
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { parsePublicKey, refuseKnownKey } from './add-key.ts';
import { recordAudit } from './audit.ts';
import type { DeployKey } from './credentials-model.ts';
import { requireAccount } from './guard.ts';
import type { Caller } from './model.ts';
import {
  deleteDeployKey,
  findDeployKey,
  insertDeployKey,
  listDeployKeyRows,
  type DeployKeyRow,
} from './store-deploy-keys.ts';

/** The repository whose keys they are; `fullName` is for the record. */
export interface DeployKeyOrder {
  caller: Caller;
  repo: { id: number; fullName: string };
}

export const listDeployKeys = (forge: Forge, repoId: number): DeployKey[] =>
  listDeployKeyRows(forge.db, repoId).map(keyOf);

/** Refuses a malformed key (`invalid`), one that is in use anywhere (`conflict`), and too many (`limited`). */
export function addDeployKey(
  forge: Forge,
  order: DeployKeyOrder & { text: string; label: string; canWrite: boolean },
): DeployKey {
  const { repo, caller, text, canWrite } = order;
  const { id: createdBy } = requireAccount(caller, 'admin');
  const { algorithm, blob, fingerprint, comment } = parsePublicKey(text);
  refuseKnownKey(forge, { blob, fingerprint });
  const { maxDeployKeysPerRepo } = forge.config.limits;
  if (listDeployKeyRows(forge.db, repo.id).length >= maxDeployKeysPerRepo) {
    throw new ForgeError(
      'limited',
      `A repository has at most ${maxDeployKeysPerRepo} deploy keys; remove one first.`,
    );
  }
  const label = order.label.trim().slice(0, 100) || comment || algorithm;
  const createdAt = forge.clock.now();
  const key = { repoId: repo.id, algorithm, blob, fingerprint, label, createdBy, createdAt };
  insertDeployKey(forge.db, { ...key, canWrite: Number(canWrite) });
  recordAudit(forge, caller, {
    action: 'deploy-key.add',
    subject: repo.fullName,
    detail: { fingerprint, label, right: canWrite ? 'write' : 'read' },
  });
  return getDeployKey(forge, blob);
}

export function removeDeployKey(forge: Forge, order: DeployKeyOrder & { id: number }): void {
  const { repo, caller, id } = order;
  const gone = deleteDeployKey(forge.db, { id, repoId: repo.id });
  if (gone === undefined) {
    throw new ForgeError('not_found', `${repo.fullName} has no deploy key ${id}; it may be gone already.`);
  }
  recordAudit(forge, caller, { action: 'deploy-key.remove', subject: repo.fullName, detail: gone });
}

function getDeployKey(forge: Forge, blob: string): DeployKey {
  const row = findDeployKey(forge.db, { blob });
  if (row === undefined) throw new Error('the deploy key is gone');
  return keyOf(row);
}

const keyOf = (row: DeployKeyRow): DeployKey => ({
  id: row.id,
  algorithm: row.algorithm,
  fingerprint: row.fingerprint,
  label: row.label,
  canWrite: row.canWrite === 1,
  createdBy: row.createdBy,
  createdAt: row.createdAt,
  lastUsedAt: row.lastUsedAt ?? undefined,
});
