// Secrets are kept sealed (AES-256-GCM) with a key that lies beside the database and not in it, so that a copy of the
// database alone tells nothing. What is sealed is bound to its place: it cannot be moved to another name or repository.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { existsSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ForgeError } from './errors.ts';

const algorithm = 'aes-256-gcm';
const version = 1;
const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

export const sealKeyPath = (keysFolder: string): string => join(keysFolder, 'secrets.key');

/** The key of a data directory, made when it is first needed and readable by the forge alone. */
export function readSealKey(keysFolder: string): Buffer {
  const path = sealKeyPath(keysFolder);
  if (!existsSync(path)) makeKey(path);
  const key = readFileSync(path);
  if (key.length === keyBytes) return key;
  throw new ForgeError(
    'unavailable',
    'The key that secrets are sealed with is damaged. Restore keys/secrets.key from a backup, or remove it and set every secret again.',
  );
}

/** Written whole before it gets its name, and never over a key that is there: what was sealed could not be opened again. */
function makeKey(path: string): void {
  const fresh = `${path}.${randomBytes(6).toString('hex')}`;
  writeFileSync(fresh, randomBytes(keyBytes), { mode: 0o600, flush: true });
  try {
    linkSync(fresh, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(fresh);
  }
}

/** `place` is not secret; it must be the same when the text is opened. */
export function sealText(key: Buffer, text: string, place: string): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, key, nonce).setAAD(Buffer.from(place));
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([Buffer.of(version), nonce, cipher.getAuthTag(), body]);
}

/** The text, or undefined when it was sealed with another key, for another place, or was altered. */
export function openSealed(key: Buffer, sealed: Buffer, place: string): string | undefined {
  if (sealed[0] !== version || sealed.length < 1 + nonceBytes + tagBytes) return undefined;
  const nonce = sealed.subarray(1, 1 + nonceBytes);
  const tag = sealed.subarray(1 + nonceBytes, 1 + nonceBytes + tagBytes);
  const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagBytes });
  decipher.setAAD(Buffer.from(place)).setAuthTag(tag);
  const body = decipher.update(sealed.subarray(1 + nonceBytes + tagBytes));
  try {
    return Buffer.concat([body, decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}
