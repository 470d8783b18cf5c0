// What a maintainer changes about a repository: its name, its description, who sees it, how branches land on what.
import { recordAudit } from '../accounts/audit.ts';
import type { Caller } from '../accounts/model.ts';
import type { Forge } from '../forge/open.ts';
import { setHead } from '../git/bare-repo.ts';
import { listHeads, resolveBranch } from '../git/refs.ts';
import { ForgeError } from '../lib/errors.ts';
import { findRepo, getRepo } from './find.ts';
import { branchName, fullName, repoName, type Repo, type RepoChanges } from './model.ts';
import { repoPath } from './path.ts';
import { requireRight } from './rights.ts';
import { deleteProtected, insertProtected, updateChosenDefault, updateSettings } from './store.ts';

export interface SettingsOrder {
  repo: Repo;
  caller: Caller;
  changes: RepoChanges;
}

/**
 * Changes what is asked for, all of it or nothing, and answers the repository as it is then. Refuses a bad name
 * (`invalid`), a taken one (`conflict`), and a default branch that does not exist (`invalid`).
 */
export async function changeSettings(forge: Forge, order: SettingsOrder): Promise<Repo> {
  const { repo, caller, changes } = order;
  requireRight(forge, caller, { repo, right: 'maintain' });
  checkName(forge, repo, changes.name);
  const heads = await checkDefault(forge, repo, changes.defaultBranch);
  const now = forge.db.transaction(() => writeChanges(forge, order, heads));
  if (now.defaultBranch !== repo.defaultBranch) await pointHead(forge, repo, now);
  forge.events.emit('repo-changed', { repoId: repo.id });
  return now;
}

function checkName(forge: Forge, repo: Repo, name: string | undefined): void {
  if (name === undefined) return;
  const result = repoName.safeParse(name);
  if (!result.success) {
    throw new ForgeError('invalid', `"${name}" is no repository name: ${result.error.issues[0]?.message}.`);
  }
  const other = findRepo(forge, repo.owner, name);
  if (other !== undefined && other.id !== repo.id) {
    throw new ForgeError(
      'conflict',
      `The repository ${repo.owner}/${name} exists already. Choose another name.`,
    );
  }
}

/** An empty repository takes any name, for the branch that is to come. */
async function checkDefault(
  forge: Forge,
  repo: Repo,
  branch: string | undefined,
): Promise<ReadonlyMap<string, string>> {
  if (branch === undefined || branch === repo.defaultBranch) return new Map();
  const result = branchName.safeParse(branch);
  if (!result.success) {
    throw new ForgeError('invalid', `"${branch}" is no branch: ${result.error.issues[0]?.message}.`);
  }
  const heads = await listHeads(forge.git, repoPath(forge, repo.id));
  if (heads.size === 0 || heads.has(branch)) return heads;
  throw new ForgeError('invalid', `There is no branch ${branch} in ${fullName(repo)}. Push it first.`);
}

function writeChanges(
  forge: Forge,
  { repo, caller, changes }: SettingsOrder,
  heads: ReadonlyMap<string, string>,
): Repo {
  const before = getRepo(forge, repo.id);
  const { name, description, visibility, mergeMethod, takesNotes, defaultBranch } = {
    ...before,
    ...defined(changes),
  };
  checkName(forge, repo, name);
  updateSettings(forge.db, { id: repo.id, name, description, visibility, mergeMethod, takesNotes });
  if (changes.defaultBranch !== undefined) {
    updateChosenDefault(forge.db, { id: repo.id, defaultBranch });
    // What everybody built on does not turn into somebody's work: the old default branch stays protected.
    if (defaultBranch !== before.defaultBranch && heads.has(before.defaultBranch)) {
      deleteProtected(forge.db, { repoId: repo.id, pattern: defaultBranch });
      insertProtected(forge.db, { repoId: repo.id, pattern: before.defaultBranch });
    }
  }
  const after = getRepo(forge, repo.id);
  const detail = differences(before, after);
  if (Object.keys(detail).length > 0) {
    recordAudit(forge, caller, { action: 'repo.change', subject: fullName(before), detail });
  }
  return after;
}

/**
 * HEAD follows the row. Pushes obey the new row from its commit on; one that was allowed before it may still delete
 * the branch, and then the change is taken back.
 */
async function pointHead(forge: Forge, before: Repo, now: Repo): Promise<void> {
  const path = repoPath(forge, now.id);
  const [chosen, old] = await Promise.all([
    resolveBranch(forge.git, path, now.defaultBranch),
    resolveBranch(forge.git, path, before.defaultBranch),
  ]);
  if (chosen === undefined && old !== undefined) {
    updateChosenDefault(forge.db, { id: now.id, defaultBranch: before.defaultBranch });
    throw new ForgeError(
      'conflict',
      `The branch ${now.defaultBranch} was deleted just now. Nothing was changed.`,
    );
  }
  await setHead(forge.git, path, now.defaultBranch);
  forge.events.emit('protection-changed', { repoId: now.id });
}

/** The changes without the keys that say nothing. */
const defined = (changes: RepoChanges): Partial<Repo> =>
  Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));

function differences(before: Repo, after: Repo): Record<string, unknown> {
  const keys = ['name', 'description', 'visibility', 'defaultBranch', 'mergeMethod', 'takesNotes'] as const;
  const changed = keys.filter((key) => before[key] !== after[key]);
  return Object.fromEntries(changed.map((key) => [key, { from: before[key], to: after[key] }]));
}
