// What the forge shows a remote to be let in. It is kept sealed like the secrets of lanes, and never comes out again.
import { z } from 'zod';
import type { Forge } from '../../forge/open.ts';
import { openSealed, readSealKey, sealText } from '../../lib/seal.ts';

const remoteCredential = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('none') }),
  /** For HTTPS. Most servers take any user with a token. */
  z.object({ kind: z.literal('token'), user: z.string(), token: z.string() }),
  /** For SSH: a private key as OpenSSH writes it. */
  z.object({ kind: z.literal('key'), privateKey: z.string() }),
]);
export type RemoteCredential = z.infer<typeof remoteCredential>;

/** `place` binds the credential to the row that has it; it must be the same when it is opened. */
export const sealCredential = (forge: Forge, credential: RemoteCredential, place: string): Buffer =>
  sealText(readSealKey(forge.config.paths.keys), JSON.stringify(credential), place);

/** Undefined when it was sealed with a key that is gone. */
export function openCredential(forge: Forge, sealed: Buffer, place: string): RemoteCredential | undefined {
  const text = openSealed(readSealKey(forge.config.paths.keys), sealed, place);
  return text === undefined ? undefined : remoteCredential.parse(JSON.parse(text));
}
