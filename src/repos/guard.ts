import type { Request, Response } from 'express';
import { callerOf, requireAccount } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import { findRepo } from './find.ts';
import type { Repo, Right } from './model.ts';
import { noSuchRepo, requireRight } from './rights.ts';

/** The repository that a route's `:owner/:repo` names, if the caller holds `right`; else the refusal of rights.ts. */
export function repoOf(forge: Forge, exchange: { request: Request; response: Response }, right: Right): Repo {
  const { owner, repo: name } = exchange.request.params;
  const caller = callerOf(exchange.response);
  const repo = findRepo(forge, String(owner), String(name));
  if (repo === undefined) throw noSuchRepo(`${String(owner)}/${String(name)}`, caller);
  requireRight(forge, caller, { repo, right });
  return repo;
}

/**
 * The repository that a route names, for somebody who changes its settings: who maintains it, with a credential that
 * may do everything. A token that only writes must not be able to lift the protection that holds it.
 */
export function maintainedRepo(forge: Forge, exchange: { request: Request; response: Response }): Repo {
  const repo = repoOf(forge, exchange, 'maintain');
  requireAccount(callerOf(exchange.response), 'admin');
  return repo;
}
