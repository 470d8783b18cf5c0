// Keeping a branch from landing: with a hold, which has an author, a reason and perhaps an end, or as a draft. The gate
// reads both; nothing else does.
import { recordAudit } from '../../accounts/audit.ts';
import { requireAccount } from '../../accounts/guard.ts';
import type { Caller } from '../../accounts/model.ts';
import { getBranch } from '../../branches/find.ts';
import type { Branch } from '../../branches/model.ts';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { fullName, includesRight, type Repo } from '../../repos/model.ts';
import { requireRight, rightOn } from '../../repos/rights.ts';
import type { HoldRequest, HoldsView, HoldView } from './model.ts';
import {
  deleteDraft,
  findDraftRow,
  findHoldRow,
  insertDraft,
  insertHold,
  listHoldRows,
  updateLifted,
  type HoldRow,
} from './store.ts';
import { isoTime, isoTimeOrNull } from '../../lib/iso-time.ts';

export interface BranchOrder {
  repo: Repo;
  branch: Branch;
  caller: Caller;
}

export interface Hold {
  id: number;
  author: string;
  authorId: number;
  reason: string;
  createdAt: number;
  expiresAt: number | undefined;
}

const maxHoldsPerBranch = 20;

/** Holds an open branch. Refuses (`conflict`) a branch that is settled, and one hold too many (`limited`). */
export function holdBranch(forge: Forge, order: BranchOrder & HoldRequest): Hold {
  const { repo, caller, reason, hours } = order;
  requireRight(forge, caller, { repo, right: 'write' });
  const author = requireAccount(caller, 'write');
  const branch = openBranch(forge, order.branch);
  const now = forge.clock.now();
  const expiresAt = hours === undefined ? null : now + Math.round(hours * 3_600_000);
  const id = forge.db.transaction(() => {
    if (listHoldRows(forge.db, { branchId: branch.id, now }).length >= maxHoldsPerBranch) {
      const message = `Branch #${branch.number} has ${maxHoldsPerBranch} holds already. Lift one of them first.`;
      throw new ForgeError('limited', message);
    }
    const made = insertHold(forge.db, { branchId: branch.id, authorId: author.id, reason, now, expiresAt });
    const until = expiresAt === null ? {} : { until: isoTime(expiresAt) };
    recordAudit(forge, caller, {
      action: 'branch.hold',
      subject: `${fullName(repo)}#${branch.number}`,
      detail: { hold: made, reason, ...until },
    });
    return made;
  });
  tell(forge, branch);
  return getHold(forge, branch, id);
}

/** Lifts a hold: its author may, and whoever maintains the repository. Lifting what has expired is `not_found`. */
export function liftHold(forge: Forge, order: BranchOrder & { id: number }): void {
  const { repo, branch, caller, id } = order;
  requireRight(forge, caller, { repo, right: 'write' });
  const actor = requireAccount(caller, 'write');
  const hold = getHold(forge, branch, id);
  if (hold.authorId !== actor.id && !includesRight(rightOn(forge, caller, repo), 'maintain')) {
    throw new ForgeError(
      'forbidden',
      `${hold.author} holds the branch: ${hold.reason} Only ${hold.author} or a maintainer of ${fullName(repo)} lifts it.`,
    );
  }
  forge.db.transaction(() => {
    if (!updateLifted(forge.db, { id, now: forge.clock.now(), by: actor.id })) return;
    recordAudit(forge, caller, {
      action: 'branch.unhold',
      subject: `${fullName(repo)}#${branch.number}`,
      detail: { hold: id, author: hold.author, reason: hold.reason },
    });
  });
  tell(forge, branch);
}

/** Marks an open branch as a draft, or as ready. Saying twice what it is changes nothing. */
export function setDraft(forge: Forge, order: BranchOrder & { draft: boolean }): void {
  const { repo, caller, draft } = order;
  requireRight(forge, caller, { repo, right: 'write' });
  const actor = requireAccount(caller, 'write');
  const branch = openBranch(forge, order.branch);
  const changed = forge.db.transaction(() => {
    const isNew = draft
      ? insertDraft(forge.db, { branchId: branch.id, by: actor.id, now: forge.clock.now() })
      : deleteDraft(forge.db, branch.id);
    if (!isNew) return false;
    const action = draft ? 'branch.draft' : 'branch.ready';
    recordAudit(forge, caller, { action, subject: `${fullName(repo)}#${branch.number}` });
    return true;
  });
  if (changed) tell(forge, branch);
}

/** The holds in force, oldest first. */
export const listHolds = (forge: Forge, branch: Pick<Branch, 'id'>): Hold[] =>
  listHoldRows(forge.db, { branchId: branch.id, now: forge.clock.now() }).map(toHold);

export const findDraft = (forge: Forge, branch: Pick<Branch, 'id'>): { by: string; at: number } | undefined =>
  findDraftRow(forge.db, branch.id);

export const readHolds = (forge: Forge, branch: Branch): HoldsView => ({
  draft: findDraft(forge, branch) !== undefined,
  holds: listHolds(forge, branch).map(holdViewOf),
});

export const holdViewOf = ({ id, author, reason, createdAt, expiresAt }: Hold): HoldView => ({
  id,
  author,
  reason,
  createdAt: isoTime(createdAt),
  expiresAt: isoTimeOrNull(expiresAt),
});

function openBranch(forge: Forge, { id }: Branch): Branch {
  const branch = getBranch(forge, id);
  if (branch.state === 'open') return branch;
  throw new ForgeError('conflict', `Branch #${branch.number} is ${branch.state}; only open branches land.`);
}

function getHold(forge: Forge, branch: Branch, id: number): Hold {
  const row = findHoldRow(forge.db, { branchId: branch.id, id, now: forge.clock.now() });
  if (row !== undefined) return toHold(row);
  throw new ForgeError(
    'not_found',
    `Branch #${branch.number} has no hold ${id}; it was lifted, or has expired.`,
  );
}

const toHold = ({ expiresAt, ...row }: HoldRow): Hold => ({ ...row, expiresAt: expiresAt ?? undefined });

const tell = (forge: Forge, { repoId, id }: Branch): void =>
  forge.events.emit('branch-held', { repoId, branchId: id });
