// Having a tutorial written once more: after the writer failed, or because another one is set up since.
import { recordAudit } from '../accounts/audit.ts';
import { requireAccount } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { fullName } from '../repos/model.ts';
import { requireRight } from '../repos/rights.ts';
import { requeueTutorial } from './store.ts';
import type { TutorialOrder } from './view-step.ts';

/**
 * Queues the tutorial of the newest revision; what there is stays on the page until the new one is there. Refuses
 * (`conflict`) while it is being written, and for a branch that cannot be read.
 */
export function rewriteTutorial(forge: Forge, { repo, branch, caller }: TutorialOrder): void {
  requireRight(forge, caller, { repo, right: 'write' });
  requireAccount(caller, 'write');
  if (branch.brokenReason !== undefined) {
    throw new ForgeError('conflict', `Branch #${branch.number} cannot be read: push it again first.`);
  }
  const { id: branchId, revision } = branch;
  forge.db.transaction(() => {
    if (!requeueTutorial(forge.db, { branchId, revision })) {
      throw new ForgeError('conflict', 'This tutorial is being written already. It appears by itself.');
    }
    const subject = `${fullName(repo)}#${branch.number}`;
    recordAudit(forge, caller, { action: 'tutorial.write', subject, detail: { revision } });
  });
  forge.events.emit('tutorial-changed', { repoId: branch.repoId, branchId, revision, state: 'queued' });
}
