// Makes a repository of one that lies in a folder of this machine, all of it before it answers.
import { recordAudit } from '../../accounts/audit.ts';
import type { Caller } from '../../accounts/model.ts';
import type { Forge } from '../../forge/open.ts';
import { createRepo } from '../../repos/create-repo.ts';
import { getRepo } from '../../repos/find.ts';
import { fullName, type Repo, type Visibility } from '../../repos/model.ts';
import { repoPath } from '../../repos/path.ts';
import { adoptDefaultBranch, recordPush } from '../../repos/record-push.ts';
import type { RemoteCredential } from '../remote/credential.ts';
import { bringObjects, type BroughtObjects } from '../lfs/bring-objects.ts';
import { bringRefs, type Brought } from '../pull/bring-refs.ts';
import { usualPullPatterns } from '../pull/model.ts';
import { reachRemote } from '../remote/reach-remote.ts';
import type { RemoteAddress } from '../remote/remote-address.ts';

export interface FolderImport {
  owner: string;
  name: string;
  visibility: Visibility;
  /** Absolute. */
  path: string;
  caller: Caller;
}

/** Refuses as `createRepo` does, and (`unavailable`) what git cannot read; then the repository is there and empty. */
export async function importFolder(
  forge: Forge,
  { path, caller, ...wanted }: FolderImport,
): Promise<{ repo: Repo; brought: Brought; objects: BroughtObjects | undefined }> {
  const address: RemoteAddress = { scheme: 'file', user: undefined, host: '', port: 0, path, text: path };
  const credential: RemoteCredential = { kind: 'none' };
  const reach = await reachRemote(forge, { address, credential });
  const remote = { address, credential, reach };
  let objects: BroughtObjects | undefined;
  try {
    const repo = await createRepo(forge, { ...wanted, caller });
    const brought = await bringRefs(forge, reach, {
      path: repoPath(forge, repo.id),
      patterns: usualPullPatterns,
      rewrites: 'keep',
      deletions: 'keep',
      defaultBranch: repo.defaultBranch,
      known: new Map(),
      beforeMoves: async ({ coming }) => {
        objects = await bringObjects(forge, { repo, remote, wanted: coming, known: [] });
      },
    });
    const theirs = brought.remote.defaultBranch;
    const isHere = brought.found.some(
      ({ ref, state }) => ref === `refs/heads/${theirs}` && state === 'in-step',
    );
    if (theirs !== undefined && isHere) await adoptDefaultBranch(forge, repo, theirs);
    recordAudit(forge, caller, {
      action: 'repo.import',
      subject: fullName(repo),
      detail: { refs: brought.created },
    });
    recordPush(forge, repo.id);
    forge.events.emit('refs-pulled', { repoId: repo.id });
    return { repo: getRepo(forge, repo.id), brought, objects };
  } finally {
    await reach.close();
  }
}
