import { recordAudit } from '../../accounts/audit.ts';
import { requireAdmin } from '../../accounts/guard.ts';
import type { Caller } from '../../accounts/model.ts';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { clearTargetRow } from './recovery-store.ts';

/**
 * Takes a target for healthy again, before its time of rest is over. For admins. Refuses (`conflict`) when nothing is
 * held against a target of that name.
 */
export function clearTarget(forge: Forge, order: { caller: Caller; target: string; reason: string }): void {
  const { caller, target, reason } = order;
  requireAdmin(caller);
  forge.db.transaction(() => {
    if (!clearTargetRow(forge.db, { name: target, now: forge.clock.now() })) {
      throw new ForgeError(
        'conflict',
        `Nothing is held against a target "${target}"; the admin page lists the targets with their health.`,
      );
    }
    recordAudit(forge, caller, { action: 'ci.clear-target', subject: target, detail: { reason } });
  });
  forge.events.emit('ci-changed', {});
}
