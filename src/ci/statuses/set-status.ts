// What other systems say of a commit, beside what its own lanes say. It is shown and holds nothing: the gate asks lanes.
import { recordAudit } from '../../accounts/audit.ts';
import { requireAccount } from '../../accounts/guard.ts';
import type { Caller } from '../../accounts/model.ts';
import type { Forge } from '../../forge/open.ts';
import { commitSummary } from '../../git/objects.ts';
import { ForgeError } from '../../lib/errors.ts';
import { fullName, type Repo } from '../../repos/model.ts';
import { repoPath } from '../../repos/path.ts';
import { requireRight } from '../../repos/rights.ts';
import type { CommitStatus, StatusRequest } from './model.ts';
import { listOpenBranchesAt, listStatusRows, putStatusRow } from './status-store.ts';

export interface StatusOrder {
  repo: Repo;
  caller: Caller;
  /** A full object id. */
  oid: string;
  status: StatusRequest;
}

/** What other systems said of a commit last, by context. */
export const listStatuses = (forge: Forge, repoId: number, oid: string): CommitStatus[] =>
  listStatusRows(forge.db, repoId, oid);

/** Refuses (`not_found`) an id that is no commit of the repository. */
export async function requireCommit(forge: Forge, repo: Repo, oid: string): Promise<void> {
  if (!/^[0-9a-f]{40}$/.test(oid)) {
    throw new ForgeError('not_found', `"${oid.slice(0, 80)}" is no commit; give all 40 digits of one.`);
  }
  await commitSummary(forge.git, repoPath(forge, repo.id), oid);
}

/**
 * Keeps the newest word of one context on one commit. Refuses (`not_found`) an unknown commit, and (`limited`) one
 * context too many.
 */
export async function setStatus(forge: Forge, order: StatusOrder): Promise<CommitStatus> {
  const { repo, caller, oid, status } = order;
  requireRight(forge, caller, { repo, right: 'write' });
  const account = requireAccount(caller, 'write');
  await requireCommit(forge, repo, oid);
  const written = forge.db.transaction(() => {
    checkCount(forge, order);
    putStatusRow(forge.db, {
      repoId: repo.id,
      oid,
      context: status.context,
      state: status.state,
      description: status.description,
      url: status.url ?? null,
      now: forge.clock.now(),
      by: account.id,
    });
    recordAudit(forge, caller, {
      action: 'status.set',
      subject: fullName(repo),
      detail: { oid, context: status.context, state: status.state },
    });
    return listStatusRows(forge.db, repo.id, oid).find(({ context }) => context === status.context);
  });
  if (written === undefined) throw new ForgeError('internal', 'The status was not written.');
  const branchIds = listOpenBranchesAt(forge.db, repo.id, oid);
  forge.events.emit('commit-status-changed', { repoId: repo.id, oid, branchIds });
  return written;
}

function checkCount(forge: Forge, { repo, oid, status }: StatusOrder): void {
  const { maxStatusesPerCommit } = forge.config.ci;
  const others = listStatusRows(forge.db, repo.id, oid).filter(({ context }) => context !== status.context);
  if (others.length < maxStatusesPerCommit) return;
  throw new ForgeError(
    'limited',
    `A commit has statuses in at most ${maxStatusesPerCommit} contexts. Use one of those that it has.`,
  );
}
