// Holding the queue: while CI is paused nothing new is claimed; what runs goes on. The pause outlives a restart.
import { recordAudit } from '../../accounts/audit.ts';
import { requireAdmin } from '../../accounts/guard.ts';
import type { Caller } from '../../accounts/model.ts';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { deletePause, findPauseRow, insertPause, type Pause } from '../recovery/recovery-store.ts';

export const findPause = (forge: Forge): Pause | undefined => findPauseRow(forge.db);

/** For admins. The reason is shown on every lane that waits. Refuses (`conflict`) when it is paused already. */
export function pauseCi(forge: Forge, order: { caller: Caller; reason: string }): void {
  const { caller, reason } = order;
  const account = requireAdmin(caller);
  if (reason === '')
    throw new ForgeError('invalid', 'Say why CI is paused; every lane that waits shows the reason.');
  forge.db.transaction(() => {
    if (!insertPause(forge.db, { now: forge.clock.now(), by: account.id, reason })) {
      const pause = findPauseRow(forge.db);
      throw new ForgeError(
        'conflict',
        `CI is paused already, by ${pause?.pausedBy ?? 'somebody'}: ${pause?.reason ?? ''}. Resume it first to give another reason.`,
      );
    }
    recordAudit(forge, caller, { action: 'ci.pause', subject: 'the queue', detail: { reason } });
  });
  forge.events.emit('ci-changed', {});
}

/** For admins. Refuses (`conflict`) when it is not paused. */
export function resumeCi(forge: Forge, order: { caller: Caller; reason: string }): void {
  const { caller, reason } = order;
  requireAdmin(caller);
  forge.db.transaction(() => {
    if (!deletePause(forge.db))
      throw new ForgeError('conflict', 'CI is not paused; there is nothing to resume.');
    recordAudit(forge, caller, { action: 'ci.resume', subject: 'the queue', detail: { reason } });
  });
  forge.events.emit('ci-changed', {});
}
