// Past a closed gate: what a maintainer may overrule with a reason, and what nobody can.
import type { Caller } from '../../accounts/model.ts';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import type { Repo } from '../../repos/model.ts';
import { requireRight } from '../../repos/rights.ts';
import type { GateHold, HoldKind } from '../model.ts';

/** What stands in the way by git or by rights; no reason helps against it. */
const facts: ReadonlySet<HoldKind> = new Set<HoldKind>([
  'not_open',
  'branch_broken',
  'stale_head',
  'conflict',
  'not_fast_forward',
  'already_merged',
  'no_common_history',
  'no_target',
  'not_allowed',
  'target_under_review',
]);

/** Whether a maintainer may merge past this hold. */
export const mayOverrule = ({ kind }: Pick<GateHold, 'kind'>): boolean => !facts.has(kind);

/** What was overruled, kept with the merge and in the audit log. */
export interface Forced {
  reason: string;
  holds: string[];
}

/** Overrules `holds`. Refuses who does not maintain the repository, and holds that nobody can overrule. */
export function forceGate(
  forge: Forge,
  order: { repo: Repo; caller: Caller; reason: string; holds: readonly GateHold[] },
): Forced {
  const { repo, caller, holds } = order;
  requireRight(forge, caller, { repo, right: 'maintain' });
  const reason = order.reason.trim();
  if (reason === '') {
    throw new ForgeError('invalid', 'A merge past the gate needs a reason; it is kept in the audit log.');
  }
  const fixed = holds.filter((hold) => !mayOverrule(hold));
  if (fixed.length > 0) {
    const sentences = fixed.map(({ message, wayOut }) => `${message} ${wayOut}`).join(' ');
    throw new ForgeError('conflict', `Not merged, and no reason helps here. ${sentences}`, {
      details: { holds: fixed },
    });
  }
  return { reason, holds: holds.map(({ message }) => message) };
}
