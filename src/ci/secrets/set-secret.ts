// Secrets of a repository: set, restricted to branches, removed. A value goes in and is never shown again; only lanes
// that `secrets-for.ts` lets have it see it.
import { recordAudit } from '../../accounts/audit.ts';
import type { Caller } from '../../accounts/model.ts';
import type { Forge } from '../../forge/open.ts';
import { ForgeError, errorMessage } from '../../lib/errors.ts';
import { compileGlob } from '../../lib/glob.ts';
import { fullName, type Repo } from '../../repos/model.ts';
import { requireMaintainer } from '../../repos/rights.ts';
import { secretNameProblem, type Secret } from './model.ts';
import { readSealKey, sealText } from '../../lib/seal.ts';
import {
  deleteSecretRow,
  findSecretRow,
  listSecretRows,
  putSecretRow,
  updateSecretRefs,
} from './secret-store.ts';

// Shorter ones cannot be masked in a log without masking half of it.
const minCharacters = 6;
const maxRefs = 50;
const maxRefCharacters = 200;

export interface SecretOrder {
  repo: Repo;
  caller: Caller;
  name: string;
}

/** What a sealed value is bound to. */
export const placeOfSecret = (repoId: number, name: string): string => `secret ${repoId} ${name}`;

/** By name; never their values. */
export const listSecrets = (forge: Forge, repo: Repo): Secret[] => listSecretRows(forge.db, repo.id);

/**
 * Sets a secret's value, or the branches that may have it, or both; what is left out stays as it is. A new one is for the
 * default branch alone unless `refs` says more. Refuses (`invalid`) a bad name, value or pattern, and (`limited`)
 * one secret too many.
 */
export function setSecret(
  forge: Forge,
  order: SecretOrder & { value?: string | undefined; refs?: readonly string[] | undefined },
): { secret: Secret; isNew: boolean } {
  const { repo, caller, name, value } = order;
  const account = requireMaintainer(forge, order);
  checkName(name);
  if (value !== undefined) checkValue(forge, name, value);
  const refs = order.refs?.map((pattern) => pattern.trim());
  if (refs !== undefined) checkRefs(refs);
  return forge.db.transaction(() => {
    const before = findSecretRow(forge.db, repo.id, name);
    if (before === undefined) checkCount(forge, repo);
    const written = {
      repoId: repo.id,
      name,
      refs: refs ?? before?.refs ?? [repo.defaultBranch],
      now: forge.clock.now(),
      by: account.id,
    };
    if (value !== undefined) {
      const key = readSealKey(forge.config.paths.keys);
      const sealed = sealText(key, value, placeOfSecret(repo.id, name));
      putSecretRow(forge.db, { ...written, sealed });
    } else if (before === undefined) {
      throw new ForgeError('invalid', `${fullName(repo)} has no secret ${name} yet; give its value too.`);
    } else updateSecretRefs(forge.db, written);
    recordAudit(forge, caller, {
      action: 'secret.set',
      subject: fullName(repo),
      detail: { name, refs: written.refs, value: value === undefined ? 'kept' : 'replaced' },
    });
    const secret = findSecretRow(forge.db, repo.id, name);
    if (secret === undefined) throw new ForgeError('internal', `The secret ${name} was not written.`);
    return { secret, isNew: before === undefined };
  });
}

/** Takes a secret away; lanes that run now keep what they were given. Refuses (`not_found`) one that is not there. */
export function removeSecret(forge: Forge, order: SecretOrder): void {
  const { repo, caller, name } = order;
  requireMaintainer(forge, order);
  forge.db.transaction(() => {
    if (!deleteSecretRow(forge.db, repo.id, name)) {
      throw new ForgeError('not_found', `${fullName(repo)} has no secret ${name}.`);
    }
    recordAudit(forge, caller, { action: 'secret.remove', subject: fullName(repo), detail: { name } });
  });
}

function checkName(name: string): void {
  const problem = secretNameProblem(name);
  if (problem !== undefined) throw new ForgeError('invalid', `"${name}" is no name of a secret: ${problem}.`);
}

function checkValue(forge: Forge, name: string, value: string): void {
  const { maxSecretBytes } = forge.config.ci;
  // What is masked is each line of it, without the spaces around.
  const isMaskable = value.split('\n').some((line) => line.trim().length >= minCharacters);
  const problem = !isMaskable
    ? `no line of it has ${minCharacters} characters, and shorter ones cannot be hidden in logs`
    : Buffer.byteLength(value) > maxSecretBytes
      ? `it has more than ${maxSecretBytes} bytes`
      : value.includes('\0')
        ? 'it has a NUL character, which no environment can hold'
        : undefined;
  if (problem !== undefined) throw new ForgeError('invalid', `The value of ${name} is refused: ${problem}.`);
}

function checkRefs(refs: readonly string[]): void {
  if (refs.length === 0) {
    throw new ForgeError('invalid', 'Name at least one branch that may have the secret, or ** for all.');
  }
  if (refs.length > maxRefs) {
    throw new ForgeError(
      'limited',
      `A secret has at most ${maxRefs} patterns; write one that covers several.`,
    );
  }
  for (const pattern of refs) {
    const problem = refProblem(pattern);
    if (problem !== undefined) throw new ForgeError('invalid', `"${pattern}" is no pattern: ${problem}.`);
  }
}

function refProblem(pattern: string): string | undefined {
  if (pattern.startsWith('refs/')) return 'leave out refs/heads/, a pattern is about names of branches';
  if (pattern.length > maxRefCharacters) return `it has more than ${maxRefCharacters} characters`;
  try {
    compileGlob(pattern);
    return undefined;
  } catch (error) {
    return errorMessage(error);
  }
}

function checkCount(forge: Forge, repo: Repo): void {
  const { maxSecretsPerRepo } = forge.config.ci;
  if (listSecretRows(forge.db, repo.id).length < maxSecretsPerRepo) return;
  throw new ForgeError(
    'limited',
    `A repository has at most ${maxSecretsPerRepo} secrets. Remove one that no lane needs first.`,
  );
}
