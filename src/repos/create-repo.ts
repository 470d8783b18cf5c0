import { rm } from 'node:fs/promises';
import { recordAudit } from '../accounts/audit.ts';
import type { Caller } from '../accounts/model.ts';
import type { Forge } from '../forge/open.ts';
import { createBareRepo } from '../git/bare-repo.ts';
import { ForgeError } from '../lib/errors.ts';
import { findRepo, getRepo } from './find.ts';
import { branchName, fullName, ownerName, repoName, type Repo, type Visibility } from './model.ts';
import { repoPath } from './path.ts';
import { mayCreateRepo } from './rights.ts';
import { deleteRepoRow, insertRepo } from './store.ts';

export interface NewRepoRequest {
  owner: string;
  name: string;
  visibility?: Visibility;
  defaultBranch?: string;
  description?: string;
  caller: Caller;
}

/**
 * Makes a repository: its row and its bare git repository with HEAD on the default branch.
 * Refuses a bad name (`invalid`), a taken one (`conflict`), and a caller who may not (`forbidden`).
 */
export async function createRepo(forge: Forge, request: NewRepoRequest): Promise<Repo> {
  const { owner, name, caller } = request;
  checkNames(request);
  if (!mayCreateRepo(caller, owner)) {
    throw new ForgeError(
      'forbidden',
      `You may create repositories under your own name, not under "${owner}".`,
    );
  }
  if (findRepo(forge, owner, name) !== undefined) {
    throw new ForgeError('conflict', `The repository ${owner}/${name} exists already.`);
  }
  const defaultBranch = request.defaultBranch ?? 'main';
  const id = insertRepo(forge.db, {
    owner,
    name,
    visibility: request.visibility ?? 'private',
    defaultBranch,
    description: request.description?.slice(0, 500) ?? '',
    createdAt: forge.clock.now(),
    createdBy: caller.account?.id ?? null,
  });
  try {
    await createBareRepo(forge.git, repoPath(forge, id), defaultBranch);
  } catch (error) {
    deleteRepoRow(forge.db, id);
    await rm(repoPath(forge, id), { recursive: true, force: true });
    throw error;
  }
  const repo = getRepo(forge, id);
  recordAudit(forge, caller, { action: 'repo.create', subject: fullName(repo) });
  forge.events.emit('repo-changed', { repoId: id });
  return repo;
}

function checkNames(request: NewRepoRequest): void {
  const checks = [
    ['owner', ownerName.safeParse(request.owner), request.owner],
    ['repository name', repoName.safeParse(request.name), request.name],
    ['default branch', branchName.safeParse(request.defaultBranch ?? 'main'), request.defaultBranch],
  ] as const;
  for (const [what, result, given] of checks) {
    if (!result.success) {
      throw new ForgeError('invalid', `"${given}" is no ${what}: ${result.error.issues[0]?.message}.`);
    }
  }
}
