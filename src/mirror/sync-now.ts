import { requireAccount } from '../accounts/guard.ts';
import { recordAudit } from '../accounts/audit.ts';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { fullName } from '../repos/model.ts';
import { requireRight } from '../repos/rights.ts';
import type { MirrorRemote, MirrorSync } from './model.ts';
import { getMirror, type MirrorPlace } from './set-mirror.ts';

export interface Syncing {
  syncNow(remote: MirrorRemote, accountId: number | undefined): MirrorSync;
}

/** For whoever may write. Refuses (`conflict`) while a sync of it runs, and a mirror that is off. */
export function syncMirror(forge: Forge, mirrors: Syncing, place: MirrorPlace): MirrorSync {
  const { repo, caller, name } = place;
  requireRight(forge, caller, { repo, right: 'write' });
  const account = requireAccount(caller, 'write');
  const remote = getMirror(forge, repo, name);
  if (!remote.isActive) throw new ForgeError('conflict', `The mirror ${name} is off. Turn it on first.`);
  const sync = mirrors.syncNow(remote, account.id);
  recordAudit(forge, caller, {
    action: 'mirror.sync',
    subject: fullName(repo),
    detail: { name, sync: sync.id },
  });
  return sync;
}
