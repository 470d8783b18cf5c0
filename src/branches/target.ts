// Where branches of a repository land, and the facts about it.
import type { Forge } from '../forge/open.ts';
import { getRepo } from '../repos/find.ts';
import type { Repo } from '../repos/model.ts';
import { adoptDefaultBranch } from '../repos/record-push.ts';
import { countBranches } from './find.ts';

const usualNames = ['main', 'master', 'trunk', 'develop'];
const seen = new WeakMap<Forge, Map<number, string>>();

/**
 * The repository with a default branch that exists, if it has any branch: the first push to an empty one
 * chooses it, else HEAD would point nowhere and some clients could not clone.
 */
export async function settleDefaultBranch(
  forge: Forge,
  repoId: number,
  heads: ReadonlyMap<string, string>,
): Promise<Repo> {
  const repo = getRepo(forge, repoId);
  const { open, merged, closed } = countBranches(forge, repoId);
  if (heads.size === 0 || heads.has(repo.defaultBranch) || open + merged + closed > 0) return repo;
  const chosen = usualNames.find((name) => heads.has(name)) ?? [...heads.keys()][0];
  if (chosen === undefined) return repo;
  await adoptDefaultBranch(forge, repo, chosen);
  return getRepo(forge, repoId);
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
