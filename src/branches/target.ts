// Where branches of a repository land, and the facts about it.
import type { Forge } from '../forge/open.ts';
import { readHead, setHead } from '../git/bare-repo.ts';
import { getRepo } from '../repos/find.ts';
import type { Repo } from '../repos/model.ts';
import { repoPath } from '../repos/path.ts';
import { adoptDefaultBranch } from '../repos/record-push.ts';
import { countBranches } from './find.ts';

const usualNames = ['main', 'master', 'trunk', 'develop'];
const seen = new WeakMap<Forge, Map<number, string>>();

/**
 * The repository with a default branch, after the first push of any branch: it becomes the default one, unless
 * somebody chose another. Some clients cannot clone where HEAD names nothing, so HEAD then names a branch that
 * exists until the chosen one does.
 */
export async function settleDefaultBranch(
  forge: Forge,
  repoId: number,
  heads: ReadonlyMap<string, string>,
): Promise<Repo> {
  const repo = getRepo(forge, repoId);
  const first = usualNames.find((name) => heads.has(name)) ?? [...heads.keys()][0];
  if (first === undefined) return repo;
  if (!heads.has(repo.defaultBranch) && !repo.isDefaultChosen && isNew(forge, repoId)) {
    await adoptDefaultBranch(forge, repo, first);
    return getRepo(forge, repoId);
  }
  const path = repoPath(forge, repoId);
  const named = heads.has(repo.defaultBranch) ? repo.defaultBranch : first;
  const head = await readHead(path);
  const isFine = head === named || (named !== repo.defaultBranch && head !== undefined && heads.has(head));
  if (!isFine) await setHead(forge.git, path, named);
  return repo;
}

/** No branch was ever recorded in it. */
function isNew(forge: Forge, repoId: number): boolean {
  const { open, merged, closed } = countBranches(forge, repoId);
  return open + merged + closed === 0;
}

/** Tells that the target moved, if it is not where it was seen last. */
export function noticeTarget(forge: Forge, repo: Repo, heads: ReadonlyMap<string, string>): void {
  const oid = heads.get(repo.defaultBranch);
  if (oid === undefined) return;
  const ofForge = seen.get(forge) ?? new Map<number, string>();
  seen.set(forge, ofForge);
  const before = ofForge.get(repo.id);
  ofForge.set(repo.id, oid);
  if (before !== oid) forge.events.emit('target-moved', { repoId: repo.id, oid });
}
