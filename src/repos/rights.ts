// Who may do what with a repository; the only place that decides it.
import { requireAccount } from '../accounts/guard.ts';
import type { Account, Caller } from '../accounts/model.ts';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { fullName, includesRight, type Repo, type Right } from './model.ts';
import { findMemberRole } from './store.ts';

/** What the account may do: admins everything, owners of the name everything, members their role. */
function rightOfAccount(forge: Forge, caller: Caller, repo: Repo): Right {
  const { account } = caller;
  if (account === undefined) return 'none';
  if (caller.onlyRepo !== undefined) {
    if (caller.onlyRepo.id !== repo.id) return 'none';
    if (caller.onlyRepo.right !== undefined) return caller.onlyRepo.right;
  }
  if (account.role === 'admin') return 'maintain';
  if (account.name.toLowerCase() === repo.owner.toLowerCase()) return 'maintain';
  return findMemberRole(forge.db, { repoId: repo.id, accountId: account.id }) ?? 'none';
}

/** The right of a caller: the account's, capped by the credential's scope; public repositories can be read. */
export function rightOn(forge: Forge, caller: Caller, repo: Repo): Right {
  const right = rightOfAccount(forge, caller, repo);
  const capped = caller.scope === 'read' && includesRight(right, 'read') ? 'read' : right;
  // What is good for one repository reaches no other, not even one that everybody may read.
  const isElsewhere = caller.onlyRepo !== undefined && caller.onlyRepo.id !== repo.id;
  return capped === 'none' && repo.visibility === 'public' && !isElsewhere ? 'read' : capped;
}

/**
 * Passes, or refuses: `not_found` to a caller who may not know the repository, `unauthenticated` to nobody in
 * particular, `forbidden` to one who may read but not more.
 */
export function requireRight(forge: Forge, caller: Caller, wanted: { repo: Repo; right: Right }): void {
  const { repo, right } = wanted;
  const held = rightOn(forge, caller, repo);
  if (includesRight(held, right)) return;
  if (caller.account === undefined) {
    throw new ForgeError('unauthenticated', held === 'none' ? signInToSee : 'Sign in to do that.');
  }
  if (held === 'none') throw noSuchRepo(fullName(repo));
  const credential = caller.onlyRepo?.right === undefined ? 'token' : 'deploy key';
  const why = caller.scope === 'read' ? `this ${credential} may only read` : `your right is ${held}`;
  throw new ForgeError(
    'forbidden',
    `You need the right ${right} on ${fullName(repo)}, but ${why}. Ask its owner or an admin.`,
  );
}

/** As settings demand it: who maintains the repository, with a credential that may do everything. Refuses as `requireRight`. */
export function requireMaintainer(forge: Forge, { repo, caller }: { repo: Repo; caller: Caller }): Account {
  requireRight(forge, caller, { repo, right: 'maintain' });
  return requireAccount(caller, 'admin');
}

const signInToSee = 'Sign in first: this repository does not exist, or is private.';

/** The answer for a repository that does not exist, the same as for one that may not be known. */
export function noSuchRepo(name: string, caller?: Caller): ForgeError {
  if (caller !== undefined && caller.account === undefined)
    return new ForgeError('unauthenticated', signInToSee);
  return new ForgeError('not_found', `There is no repository ${name}, or you may not see it.`);
}

/** Admins create repositories under any name, members under their own. */
export function mayCreateRepo(caller: Caller, owner: string): boolean {
  const { account } = caller;
  if (account === undefined || caller.scope === 'read' || caller.onlyRepo !== undefined) return false;
  return account.role === 'admin' || account.name.toLowerCase() === owner.toLowerCase();
}
