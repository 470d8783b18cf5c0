import { randomUUID } from 'node:crypto';
import { existsSync, renameSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { recordAudit } from '../accounts/audit.ts';
import type { Caller } from '../accounts/model.ts';
import type { Forge } from '../forge/open.ts';
import { createBareRepo } from '../git/bare-repo.ts';
import { ForgeError } from '../lib/errors.ts';
import { findRepo, getRepo } from './find.ts';
import { branchName, fullName, ownerName, repoName, type Repo, type Visibility } from './model.ts';
import { repoPath } from './path.ts';
import { mayCreateRepo } from './rights.ts';
import { insertRepo } from './store.ts';

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
  if (findRepo(forge, owner, name) !== undefined) throw taken(owner, name);
  const defaultBranch = request.defaultBranch ?? 'main';
  // The bare repository is complete before its row appears: a loop that sees the row may read it at once.
  const draft = join(forge.config.paths.repos, `draft-${randomUUID()}`);
  try {
    await createBareRepo(forge.git, draft, defaultBranch);
    const id = forge.db.transaction(() => {
      if (findRepo(forge, owner, name) !== undefined) throw taken(owner, name);
      const newId = insertRepo(forge.db, {
        owner,
        name,
        visibility: request.visibility ?? 'private',
        defaultBranch,
        isDefaultChosen: request.defaultBranch !== undefined,
        description: request.description?.slice(0, 500) ?? '',
        createdAt: forge.clock.now(),
        createdBy: caller.account?.id ?? null,
      });
      makeWay(forge, newId);
      renameSync(draft, repoPath(forge, newId));
      return newId;
    });
    const repo = getRepo(forge, id);
    recordAudit(forge, caller, { action: 'repo.create', subject: fullName(repo) });
    forge.events.emit('repo-changed', { repoId: id });
    return repo;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/**
 * A death between the rename and the commit leaves a folder without a row, and so does a restore of what came during its
 * backup. It may be all that is left of something, so it is put aside, where doctor tells of it.
 */
function makeWay(forge: Forge, id: number): void {
  const place = repoPath(forge, id);
  if (!existsSync(place)) return;
  const aside = `lost-${id}-${randomUUID()}`;
  renameSync(place, join(forge.config.paths.repos, aside));
  forge.log.warn({ repoId: id, aside }, 'a folder of repositories that belongs to none was put aside');
}

const taken = (owner: string, name: string): ForgeError =>
  new ForgeError('conflict', `The repository ${owner}/${name} exists already.`);

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
