// What every order of a person about lanes begins with: who gives it, whether they may, and how it reads afterwards.
import { requireAccount } from '../../accounts/guard.ts';
import type { Account, Caller } from '../../accounts/model.ts';
import { getBranch } from '../../branches/find.ts';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import type { Repo, Right } from '../../repos/model.ts';
import { requireRight } from '../../repos/rights.ts';
import type { Run } from '../model.ts';

/** The account of a caller who may do something to the lanes of a repository, or the refusal that says what is missing. */
export function requireActor(forge: Forge, caller: Caller, wanted: { repo: Repo; right: Right }): Account {
  requireRight(forge, caller, wanted);
  return requireAccount(caller, 'write');
}

/** Refuses (`conflict`) to bring lanes of a branch back that was merged or closed. */
export function refuseSettled(forge: Forge, run: Run): void {
  if (run.branchId === undefined) return;
  const branch = getBranch(forge, run.branchId);
  if (branch.state !== 'open') {
    throw new ForgeError(
      'conflict',
      `Branch #${branch.number} is ${branch.state}; its lanes do not run any more.`,
    );
  }
}

/** `marked failed by ada: it hangs`, with as much of a reason as was given. */
export const byWhom = (done: string, by: Account, reason: string): string =>
  reason === '' ? `${done} by ${by.name}` : `${done} by ${by.name}: ${reason}`;
