import type { Forge } from '../forge/open.ts';
import { deleteTutorial } from './store.ts';

/** Forgets the tutorials of revisions whose code is not kept any more. */
export function forgetTutorials(forge: Forge, branchId: number, revisions: readonly number[]): void {
  for (const revision of revisions) deleteTutorial(forge.db, { branchId, revision });
}
