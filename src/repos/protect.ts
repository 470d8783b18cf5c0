// Puts patterns under protection and takes them from under it. What that means for pushes is the policy's to say.
import { recordAudit } from '../accounts/audit.ts';
import type { Caller } from '../accounts/model.ts';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { fullName, type Repo } from './model.ts';
import { patternProblem } from './ref-pattern.ts';
import { requireRight } from './rights.ts';
import { deleteProtected, insertProtected, listProtectedPatterns } from './store.ts';

export interface ProtectOrder {
  repo: Repo;
  caller: Caller;
  pattern: string;
}

/**
 * Protects the branches that a pattern matches, those there are and those to come; false when it was protected
 * before. Refuses (`invalid`) what is no pattern, and (`limited`) one pattern too many.
 */
export function addProtection(forge: Forge, { repo, caller, pattern }: ProtectOrder): boolean {
  requireRight(forge, caller, { repo, right: 'maintain' });
  checkPattern(pattern);
  const added = forge.db.transaction(() => {
    if (!insertProtected(forge.db, { repoId: repo.id, pattern })) return false;
    checkCount(forge, repo);
    recordAudit(forge, caller, { action: 'protection.add', subject: fullName(repo), detail: { pattern } });
    return true;
  });
  if (added) tell(forge, repo);
  return added;
}

/** Takes a pattern away. Refuses (`not_found`) one that the repository does not have. */
export function removeProtection(forge: Forge, { repo, caller, pattern }: ProtectOrder): void {
  requireRight(forge, caller, { repo, right: 'maintain' });
  forge.db.transaction(() => {
    if (!deleteProtected(forge.db, { repoId: repo.id, pattern })) {
      throw new ForgeError('not_found', `${fullName(repo)} has no protected pattern "${pattern}".`);
    }
    recordAudit(forge, caller, { action: 'protection.remove', subject: fullName(repo), detail: { pattern } });
  });
  tell(forge, repo);
}

/** Makes these patterns, and no others, the protected ones: all of them, or none when one is refused. */
export function replaceProtections(
  forge: Forge,
  { repo, caller, patterns }: { repo: Repo; caller: Caller; patterns: readonly string[] },
): void {
  requireRight(forge, caller, { repo, right: 'maintain' });
  for (const pattern of patterns) checkPattern(pattern);
  forge.db.transaction(() => {
    const before = listProtectedPatterns(forge.db, repo.id);
    for (const pattern of before) {
      if (!patterns.includes(pattern)) deleteProtected(forge.db, { repoId: repo.id, pattern });
    }
    for (const pattern of patterns) insertProtected(forge.db, { repoId: repo.id, pattern });
    checkCount(forge, repo);
    recordAudit(forge, caller, {
      action: 'protection.replace',
      subject: fullName(repo),
      detail: { before, patterns },
    });
  });
  tell(forge, repo);
}

function checkPattern(pattern: string): void {
  const problem = patternProblem(pattern);
  if (problem !== undefined) throw new ForgeError('invalid', `"${pattern}" is no pattern: ${problem}.`);
}

function checkCount(forge: Forge, repo: Repo): void {
  const { maxProtectedPatterns } = forge.config.limits;
  if (listProtectedPatterns(forge.db, repo.id).length <= maxProtectedPatterns) return;
  throw new ForgeError(
    'limited',
    `A repository has at most ${maxProtectedPatterns} protected patterns. Write one that covers several, or remove one first.`,
  );
}

function tell(forge: Forge, repo: Repo): void {
  forge.events.emit('protection-changed', { repoId: repo.id });
  forge.events.emit('repo-changed', { repoId: repo.id });
}
