import type { Request, Response } from 'express';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { repoOf } from '../repos/guard.ts';
import { fullName, type Repo, type Right } from '../repos/model.ts';
import { findBranch } from './find.ts';
import type { Branch } from './model.ts';

/**
 * The branch that `:owner/:repo/…/:number` names, if the caller holds `right` on the repository; else the refusals of
 * the repository, and `not_found`.
 */
export function branchOfRoute(
  forge: Forge,
  exchange: { request: Request; response: Response },
  right: Right,
): { repo: Repo; branch: Branch } {
  const repo = repoOf(forge, exchange, right);
  const given = exchange.request.params['number'];
  const number = typeof given === 'string' && /^[0-9]{1,9}$/.test(given) ? Number(given) : 0;
  const branch = findBranch(forge, repo.id, number);
  if (branch !== undefined) return { repo, branch };
  throw new ForgeError('not_found', `There is no branch #${String(given)} in ${fullName(repo)}.`);
}
