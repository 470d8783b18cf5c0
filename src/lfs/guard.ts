import type { Request } from 'express';
import { callerByToken } from '../accounts/guard.ts';
import type { Caller } from '../accounts/model.ts';
import type { Forge } from '../forge/open.ts';
import { createRepo } from '../repos/create-repo.ts';
import { findRepo } from '../repos/find.ts';
import type { Repo } from '../repos/model.ts';
import { mayCreateRepo, noSuchRepo, requireRight } from '../repos/rights.ts';

export interface LfsPlace {
  repo: Repo;
  caller: Caller;
}

/**
 * The repository of the route and who asks, if he holds the right; refuses as the routes of git do. Who asks is
 * known by a token or a pass, never by a browser's cookie.
 */
export function placeOf(forge: Forge, request: Request, right: 'read' | 'write'): LfsPlace {
  const { owner, name, repo } = named(forge, request);
  const caller = callerOfRequest(forge, request, repo);
  if (repo === undefined) throw noSuchRepo(`${owner}/${name}`, caller);
  requireRight(forge, caller, { repo, right });
  return { repo, caller };
}

/** Makes the repository of the route: git-lfs sends objects before the push that would create it. */
export async function createPlace(forge: Forge, request: Request): Promise<LfsPlace> {
  const { owner, name } = named(forge, request);
  const caller = callerOfRequest(forge, request, undefined);
  return { repo: await createRepo(forge, { owner, name, caller }), caller };
}

/** Whether the repository is not there yet, and a push of this caller would make it. */
export function wouldCreate(forge: Forge, request: Request): boolean {
  const { owner, repo } = named(forge, request);
  return repo === undefined && mayCreateRepo(callerOfRequest(forge, request, repo), owner);
}

function named(forge: Forge, { params }: Request): { owner: string; name: string; repo: Repo | undefined } {
  const owner = String(params['owner']);
  const name = String(params['repo']).replace(/\.git$/, '');
  return { owner, name, repo: findRepo(forge, owner, name) };
}

const callerOfRequest = (forge: Forge, request: Request, repo: Repo | undefined): Caller =>
  callerByToken(forge, request, { repoId: repo?.id });
