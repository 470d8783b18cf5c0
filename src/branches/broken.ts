// Branches that cannot be read: marked with a reason that is shown wherever the branch is, until they can be again.
import type { Forge } from '../forge/open.ts';
import { GitError } from '../git/run.ts';
import { ForgeError } from '../lib/errors.ts';
import { updateBroken } from './store.ts';

/** Writes down why a branch cannot be read, or (undefined) that it can be again; told when that is news. */
export function markBroken(
  forge: Forge,
  branch: { id: number; repoId: number },
  reason: string | undefined,
): void {
  const { id: branchId, repoId } = branch;
  if (!updateBroken(forge.db, { id: branchId, reason: reason ?? null })) return;
  if (reason !== undefined) forge.log.error({ repoId, branchId, reason }, 'a branch is broken');
  forge.events.emit('branch-broken', { repoId, branchId, reason });
}

/** An error as the reason that people read: without the paths of this machine, in one line. */
export function brokenReason(error: unknown): string {
  if (error instanceof ForgeError) return error.message.slice(0, 500).replace(/\.$/, '');
  if (!(error instanceof GitError)) return 'the forge failed to read it; its log says why';
  const [said = ''] = error.stderr.trim().split('\n');
  const line = said.replace(/^(?:fatal|error): /, '').replaceAll(/(?:\/[^\s/':]+){2,}/g, '…');
  return `git cannot read it: ${line || 'it gave no reason'}`.slice(0, 500);
}

export const missingCommit = (oid: string): string =>
  `its commit ${oid.slice(0, 12)} is missing from the repository`;
