// Compares the refs of a repository with its rows and repairs the rows: what a lost hook, a crash or somebody
// with a shell changed. One git for all branches; only what changed costs more.
import type { Forge } from '../forge/open.ts';
import { isAncestor } from '../git/objects.ts';
import { listContainedHeads, listHeads, updateRefs, zeroOid } from '../git/refs.ts';
import { errorMessage } from '../lib/errors.ts';
import { fullName, type Repo } from '../repos/model.ts';
import { repoPath } from '../repos/path.ts';
import { isProtected } from '../repos/protected.ts';
import { getRevision, listOpenBranches } from './find.ts';
import type { Branch } from './model.ts';
import { recordHead } from './record-head.ts';
import { settleBranch } from './settle.ts';
import { updateBroken } from './store.ts';
import { noticeTarget, settleDefaultBranch } from './target.ts';
import { inTurn } from './turn.ts';

interface Scan {
  repo: Repo;
  path: string;
  heads: ReadonlyMap<string, string>;
}

/** Brings the rows of one repository to what its refs say; new and moved heads have no known pusher. */
export function scanRepo(forge: Forge, { id }: Pick<Repo, 'id'>): Promise<void> {
  return inTurn(forge, id, async () => {
    const path = repoPath(forge, id);
    const heads = await listHeads(forge.git, path);
    const repo = await settleDefaultBranch(forge, id, heads);
    const scan = { repo, path, heads };
    const open = new Map(listOpenBranches(forge, { repoId: id }).map((branch) => [branch.name, branch]));
    await recordChanged(forge, scan, open);
    const present = [...open.values()].filter((branch) => heads.get(branch.name) === branch.headOid);
    for (const branch of await listLanded(forge, scan, present)) {
      await isolate(forge, scan, branch, () => removeLanded(forge, scan, branch));
    }
    for (const branch of open.values()) {
      if (!heads.has(branch.name)) {
        await isolate(forge, scan, branch, () => settleVanished(forge, scan, branch));
      }
    }
    noticeTarget(forge, repo, heads);
  });
}

async function recordChanged(
  forge: Forge,
  { repo, heads }: Scan,
  open: ReadonlyMap<string, Branch>,
): Promise<void> {
  for (const [name, headOid] of heads) {
    const branch = open.get(name);
    if (branch?.headOid === headOid || (branch === undefined && isProtected(forge, repo, name))) continue;
    const targetOid = heads.get(branch?.target ?? repo.defaultBranch);
    try {
      const fact = await recordHead(forge, { repo, name, headOid, targetOid, pushedBy: undefined });
      if (fact !== undefined) forge.events.emit('branch-pushed', fact);
    } catch (error) {
      markBroken(forge, { repo, name, branch }, error);
    }
  }
}

/** Branches whose head their target contains, although they brought commits of their own. */
async function listLanded(forge: Forge, scan: Scan, present: readonly Branch[]): Promise<Branch[]> {
  const byTarget = Map.groupBy(present, (branch) => branch.target);
  const landed: Branch[] = [];
  for (const [target, branches] of byTarget) {
    const targetOid = scan.heads.get(target);
    if (targetOid === undefined) continue;
    const contained = await listContained(forge, scan, { targetOid, branches });
    landed.push(...branches.filter((branch) => contained.has(branch.name) && hasOwnCommits(forge, branch)));
  }
  return landed;
}

async function listContained(
  forge: Forge,
  scan: Scan,
  { targetOid, branches }: { targetOid: string; branches: readonly Branch[] },
): Promise<Set<string>> {
  try {
    return await listContainedHeads(forge.git, scan.path, targetOid);
  } catch {
    // One unreadable head fails the whole question; asked one by one, only that branch is broken.
    const contained = new Set<string>();
    for (const branch of branches) {
      await isolate(forge, scan, branch, async () => {
        if (await isAncestor(forge.git, scan.path, branch.headOid, targetOid)) contained.add(branch.name);
      });
    }
    return contained;
  }
}

const hasOwnCommits = (forge: Forge, branch: Branch): boolean =>
  getRevision(forge, branch.id, branch.revision).baseOid !== branch.headOid;

// The ref goes first: a merged row whose ref stands would come back as a new branch.
async function removeLanded(forge: Forge, { path }: Scan, branch: Branch): Promise<void> {
  const ref = `refs/heads/${branch.name}`;
  await updateRefs(forge.git, path, [{ ref, newOid: zeroOid, oldOid: branch.headOid }]);
  settleBranch(forge, { branchId: branch.id, state: 'merged' });
}

async function settleVanished(forge: Forge, { path, heads }: Scan, branch: Branch): Promise<void> {
  const targetOid = heads.get(branch.target);
  const isMerged =
    targetOid !== undefined &&
    hasOwnCommits(forge, branch) &&
    (await isAncestor(forge.git, path, branch.headOid, targetOid));
  settleBranch(forge, { branchId: branch.id, state: isMerged ? 'merged' : 'closed' });
}

async function isolate(
  forge: Forge,
  { repo }: Scan,
  branch: Branch,
  body: () => Promise<void>,
): Promise<void> {
  try {
    await body();
  } catch (error) {
    markBroken(forge, { repo, name: branch.name, branch }, error);
  }
}

function markBroken(
  forge: Forge,
  { repo, name, branch }: { repo: Repo; name: string; branch: Branch | undefined },
  error: unknown,
): void {
  forge.log.error({ err: error, repo: fullName(repo), branch: name }, 'a branch is broken; the scan goes on');
  if (branch !== undefined)
    updateBroken(forge.db, { id: branch.id, reason: errorMessage(error).slice(0, 500) });
}
