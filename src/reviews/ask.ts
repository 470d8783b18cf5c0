// Asking people and agents by name for a review. It puts the branch into their inbox and gives them no right.
import { findAccountByName } from '../accounts/find.ts';
import { recordAudit } from '../accounts/audit.ts';
import type { Account } from '../accounts/model.ts';
import { getBranch } from '../branches/find.ts';
import type { Branch } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { fullName, includesRight } from '../repos/model.ts';
import { rightOn } from '../repos/rights.ts';
import { requireVoice, subjectOf, tellReviewChanged, type ReviewOrder } from './author.ts';
import { mayBeTold } from './mentions.ts';
import { maxRequestsPerBranch, type ReviewRequest } from './request-model.ts';
import { deleteRequest, listRequestRows, putRequest } from './request-store.ts';

/** Who was asked for a review, the first one first. */
export const listRequests = (forge: Forge, branch: Branch): ReviewRequest[] =>
  listRequestRows(forge.db, branch.id);

/**
 * Asks everybody who is named, all or nobody: whoever may write to the repository may ask, and who wrote the branch.
 * Refuses (`conflict`) a branch that has ended, and (`invalid`) a name that is nobody who may read it, or its author's.
 */
export function askForReview(
  forge: Forge,
  order: ReviewOrder & { names: readonly string[] },
): ReviewRequest[] {
  const account = requireAsker(forge, order);
  const names = [...new Set(order.names.map((name) => name.replace(/^@/, '').toLowerCase()))];
  forge.db.transaction(() => {
    const branch = getBranch(forge, order.branch.id);
    if (branch.state !== 'open') {
      throw new ForgeError(
        'conflict',
        `Branch #${branch.number} is ${branch.state}; there is nothing to review.`,
      );
    }
    for (const name of names) {
      const asked = askedAccount(forge, { ...order, branch }, name);
      const now = forge.clock.now();
      putRequest(forge.db, { branchId: branch.id, accountId: asked.id, byId: account.id, now });
    }
    if (listRequestRows(forge.db, branch.id).length > maxRequestsPerBranch) {
      throw new ForgeError('limited', `At most ${maxRequestsPerBranch} can be asked to review one branch.`);
    }
    recordAudit(forge, order.caller, { action: 'review.ask', subject: subjectOf(order), detail: { names } });
  });
  tellReviewChanged(forge, order.branch);
  return listRequests(forge, order.branch);
}

/** Takes a request back: who asked, who was asked, who wrote the branch and who may write. */
export function withdrawRequest(forge: Forge, order: ReviewOrder & { name: string }): ReviewRequest[] {
  const account = requireVoice(forge, order);
  const { branch, name } = order;
  const request = listRequests(forge, branch).find((each) => each.name.toLowerCase() === name.toLowerCase());
  if (request === undefined) {
    throw new ForgeError('not_found', `${name} was not asked to review branch #${branch.number}.`);
  }
  if (request.accountId !== account.id && request.byId !== account.id) requireAsker(forge, order);
  forge.db.transaction(() => {
    deleteRequest(forge.db, { branchId: branch.id, accountId: request.accountId });
    const detail = { names: [request.name] };
    recordAudit(forge, order.caller, { action: 'review.unask', subject: subjectOf(order), detail });
  });
  tellReviewChanged(forge, branch);
  return listRequests(forge, branch);
}

/** Whether somebody may ask others, for what a page offers. */
export const mayAsk = (forge: Forge, { repo, branch, caller }: ReviewOrder): boolean =>
  caller.account !== undefined &&
  (branch.authorId === caller.account.id || includesRight(rightOn(forge, caller, repo), 'write'));

function requireAsker(forge: Forge, order: ReviewOrder): Account {
  const account = requireVoice(forge, order);
  if (mayAsk(forge, order)) return account;
  throw new ForgeError(
    'forbidden',
    'Only who wrote the branch and who may write to the repository can ask others for a review.',
  );
}

function askedAccount(forge: Forge, { repo, branch }: ReviewOrder, name: string): Account {
  const asked = findAccountByName(forge, name);
  if (asked === undefined || !mayBeTold(forge, repo, asked)) {
    throw new ForgeError(
      'invalid',
      `names: ${name.slice(0, 64)} is nobody who may read ${fullName(repo)}. A maintainer adds members in its settings.`,
    );
  }
  if (asked.id !== branch.authorId) return asked;
  throw new ForgeError('invalid', `names: ${asked.name} wrote the branch. Ask somebody else.`);
}
