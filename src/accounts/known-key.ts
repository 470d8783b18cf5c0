import type { Forge } from '../forge/open.ts';
import { findKeyByBlob } from './store.ts';
import { findDeployKey } from './store-deploy-keys.ts';

/**
 * Whether a key is on file, so that a client need not sign with one that is not. Proves nothing about who asks
 * and stamps no use: that is `findCallerByKey`, after the signature.
 */
export const isKnownKey = (forge: Pick<Forge, 'db'>, blob: string): boolean =>
  findKeyByBlob(forge.db, blob) !== undefined || findDeployKey(forge.db, { blob }) !== undefined;
