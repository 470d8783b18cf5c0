import { recordAudit } from '../accounts/audit.ts';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import type { MirrorRef, OverwriteRequest } from './model.ts';
import { fullName } from '../repos/model.ts';
import { requireMaintainer } from '../repos/rights.ts';
import { wishForRemote } from './remote-store.ts';
import { getMirror, type MirrorPlace } from './set-mirror.ts';
import { findRef, putRef } from './sync-store.ts';

/**
 * Lets the next sync replace what somebody else has put there: exactly what the caller has seen, and nothing newer. Refuses
 * (`conflict`) a ref that has not diverged, or stands elsewhere by now.
 */
export function overwriteRef(forge: Forge, order: MirrorPlace & { request: OverwriteRequest }): MirrorRef {
  const { repo, caller, name, request } = order;
  requireMaintainer(forge, order);
  return forge.db.transaction(() => {
    const remote = getMirror(forge, repo, name);
    const where = { remoteId: remote.id, ref: request.ref };
    const row = findRef(forge.db, where);
    if (row === undefined)
      throw new ForgeError('not_found', `The mirror ${name} knows no ref ${request.ref}.`);
    if (row.state !== 'diverged' || (row.thereOid ?? null) !== request.there) {
      throw new ForgeError(
        'conflict',
        `${request.ref} has not diverged there, or moved since you looked. Look again.`,
      );
    }
    const now = forge.clock.now();
    const message = 'it is replaced by the next sync, as somebody asked for';
    putRef(forge.db, remote.id, { ...row, state: 'behind', oursOid: row.thereOid, message, now });
    wishForRemote(forge.db, { id: remote.id, now, isNow: true });
    recordAudit(forge, caller, {
      action: 'mirror.overwrite',
      subject: fullName(repo),
      detail: { name, ...request },
    });
    return findRef(forge.db, where) ?? row;
  });
}
