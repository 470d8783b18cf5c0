// What a page of a branch is about: the repository and the branch its address names.
import type { Request, Response } from 'express';
import { z } from 'zod';
import { findBranch } from '../branches/find.ts';
import type { Branch } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { repoOf } from '../repos/guard.ts';
import type { Repo, Right } from '../repos/model.ts';
import { parse } from '../web/parse.ts';

const branchNumber = z.coerce.number('a branch has a number').int().positive();

export interface Exchange {
  request: Request;
  response: Response;
}

/** The branch that `:owner/:repo/branches/:number` names, if the caller holds `right`; else `not_found` and the refusals of the repository. */
export function branchOfRoute(
  forge: Forge,
  exchange: Exchange,
  right: Right,
): { repo: Repo; branch: Branch } {
  const repo = repoOf(forge, exchange, right);
  const number = parse(branchNumber, exchange.request.params['number']);
  const branch = findBranch(forge, repo.id, number);
  if (branch === undefined) {
    throw new ForgeError('not_found', `There is no branch #${number} in ${repo.owner}/${repo.name}.`);
  }
  return { repo, branch };
}
