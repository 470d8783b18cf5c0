import { recordAudit } from '../../accounts/audit.ts';
import { requireAdmin } from '../../accounts/guard.ts';
import type { Caller } from '../../accounts/model.ts';
import type { Forge } from '../../forge/open.ts';
import type { Scheduler } from '../scheduler/scheduler.ts';

/** Has the scheduler look at everything now, in place of at its next poll. For admins. */
export function wakeCi(
  forge: Forge,
  scheduler: Pick<Scheduler, 'wake'>,
  order: { caller: Caller; reason: string },
): void {
  requireAdmin(order.caller);
  recordAudit(forge, order.caller, {
    action: 'ci.wake',
    subject: 'the scheduler',
    detail: { reason: order.reason },
  });
  scheduler.wake();
}
