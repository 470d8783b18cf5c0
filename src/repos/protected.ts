import type { Forge } from '../forge/open.ts';
import { listHeads } from '../git/refs.ts';
import type { Repo } from './model.ts';
import { repoPath } from './path.ts';
import { compilePattern } from './ref-pattern.ts';
import { listProtectedPatterns } from './store.ts';

/** Why a branch takes no direct push: it is the default branch, or a pattern matches its name. */
export type Protection = { isDefault: true } | { isDefault: false; pattern: string };

/** Tells of a branch (without refs/heads/) what protects it, or undefined. The patterns are those of now. */
export function protectionOf(forge: Forge, repo: Repo): (branch: string) => Protection | undefined {
  const patterns = listProtectedPatterns(forge.db, repo.id).map((pattern) => ({
    pattern,
    matches: compilePattern(pattern),
  }));
  return (branch) => {
    if (branch === repo.defaultBranch) return { isDefault: true };
    const found = patterns.find(({ matches }) => matches(branch));
    return found && { isDefault: false, pattern: found.pattern };
  };
}

export interface ProtectedPattern {
  pattern: string;
  /** The first of the branches that it matches now, by name, and how many there are. */
  branches: string[];
  total: number;
}

const maxShownBranches = 8;

/** Every protected pattern of the repository with what it matches now; `also` is looked at as if it were one. */
export async function listProtected(
  forge: Forge,
  repo: Repo,
  also?: string,
): Promise<{ patterns: ProtectedPattern[]; also: ProtectedPattern | undefined }> {
  const names = [...(await listHeads(forge.git, repoPath(forge, repo.id))).keys()];
  const look = (pattern: string): ProtectedPattern => {
    const branches = names.filter(compilePattern(pattern));
    return { pattern, branches: branches.slice(0, maxShownBranches), total: branches.length };
  };
  return {
    patterns: listProtectedPatterns(forge.db, repo.id).map(look),
    also: also === undefined ? undefined : look(also),
  };
}
