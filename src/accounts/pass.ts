// A pass is a credential for one repository and one right, until a moment soon: what `git-lfs-authenticate`
// prints, and what the answers of Git LFS carry. It is signed and stored nowhere, and it is worth no more than
// the key or token it was made for: when that one is taken away, the pass ends with it.
import { createHmac, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Forge } from '../forge/open.ts';
import { isSameText } from '../lib/secrets.ts';
import { findDeployKeyCaller } from './deploy-key-caller.ts';
import type { Caller } from './model.ts';
import { findActiveAccount, listKeys, listTokens } from './store.ts';

const prefix = 'pikapass';
const keyBytes = 32;

const content = z.strictObject({
  account: z.number().int(),
  credential: z.string(),
  repo: z.number().int(),
  right: z.enum(['read', 'write']),
  expiresAt: z.number().int(),
});

/** A pass for a caller who has an account; whether the right is his is asked again whenever the pass is used. */
export function createPass(
  forge: Forge,
  order: { caller: Caller; repoId: number; right: 'read' | 'write'; seconds: number },
): string | undefined {
  const { caller, repoId, right, seconds } = order;
  if (caller.account === undefined) return undefined;
  const signed: z.infer<typeof content> = {
    account: caller.account.id,
    credential: caller.credential,
    repo: repoId,
    right,
    expiresAt: forge.clock.now() + seconds * 1000,
  };
  const text = Buffer.from(JSON.stringify(signed)).toString('base64url');
  return `${prefix}.${text}.${sign(forge, text)}`;
}

export const isPass = (secret: string): boolean => secret.startsWith(`${prefix}.`);

/** The caller that a pass stands for on this repository, or undefined when it is forged, expired or for another. */
export function findCallerByPass(
  forge: Forge,
  pass: { secret: string; repoId: number; address: string },
): Caller | undefined {
  const [, text = '', signature = ''] = pass.secret.split('.', 3);
  if (!isSameText(signature, sign(forge, text))) return undefined;
  const signed = content.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
  if (signed.repo !== pass.repoId || signed.expiresAt <= forge.clock.now()) return undefined;
  const [kind, fingerprint = ''] = signed.credential.split(' ', 2);
  if (kind === 'deploy-key') {
    const holder = findDeployKeyCaller(forge, { fingerprint }, pass.address);
    return holder && { ...holder, scope: signed.right };
  }
  const account = findActiveAccount(forge.db, signed.account);
  if (account === undefined || !stillStands(forge, signed)) return undefined;
  return { account, scope: signed.right, credential: signed.credential, address: pass.address };
}

/** Whether the key or token behind a pass has not been taken away since. */
function stillStands(forge: Forge, { account, credential }: z.infer<typeof content>): boolean {
  const [kind, name] = credential.split(' ', 2);
  if (kind === 'key') return listKeys(forge.db, account).some((key) => key.fingerprint === name);
  if (kind !== 'token') return false;
  const token = listTokens(forge.db, account).find(({ id }) => String(id) === name);
  return token !== undefined && (token.expiresAt === null || token.expiresAt > forge.clock.now());
}

const sign = (forge: Forge, text: string): string =>
  createHmac('sha256', readKey(join(forge.config.paths.keys, 'pass.key')))
    .update(text)
    .digest('base64url');

/** Made on first use and kept, so that a restart in the middle of a long transfer does not end it. */
function readKey(path: string): Buffer {
  if (!existsSync(path)) {
    writeFileSync(`${path}.new`, randomBytes(keyBytes), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }
  return readFileSync(path);
}
