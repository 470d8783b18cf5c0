// Holding the queue of a repository: nothing new is built or lands, and what is tested is tested on. It outlives a
// restart, and gives back to every entry the time that it took.
import { recordAudit } from '../../accounts/audit.ts';
import { requireAccount } from '../../accounts/guard.ts';
import type { Caller } from '../../accounts/model.ts';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { fullName, type Repo } from '../../repos/model.ts';
import { requireRight } from '../../repos/rights.ts';
import { tellLandings } from './queue-change.ts';
import type { QueueView } from './model.ts';
import { deleteLandingPause, findLandingPause, insertLandingPause, listLiveLandings } from './store.ts';
import { readQueue } from './queue-view.ts';

export interface PauseOrder {
  repo: Repo;
  caller: Caller;
  reason: string;
}

/** For maintainers. Every entry shows the reason. Refuses (`conflict`) when it is paused already. */
export function pauseLandings(forge: Forge, { repo, caller, reason }: PauseOrder): QueueView {
  requireRight(forge, caller, { repo, right: 'maintain' });
  const by = requireAccount(caller, 'write');
  if (reason === '') {
    throw new ForgeError('invalid', 'Say why the queue is paused; every branch in it shows the reason.');
  }
  forge.db.transaction(() => {
    if (!insertLandingPause(forge.db, { repoId: repo.id, now: forge.clock.now(), by: by.id, reason })) {
      const pause = findLandingPause(forge.db, repo.id);
      throw new ForgeError(
        'conflict',
        `The queue is paused already, by ${pause?.pausedBy ?? 'somebody'}: ${pause?.reason ?? ''}. Resume it first to give another reason.`,
      );
    }
    recordAudit(forge, caller, { action: 'landing.pause', subject: fullName(repo), detail: { reason } });
  });
  return told(forge, repo);
}

/** For maintainers. Refuses (`conflict`) when it is not paused. */
export function resumeLandings(forge: Forge, { repo, caller, reason }: PauseOrder): QueueView {
  requireRight(forge, caller, { repo, right: 'maintain' });
  requireAccount(caller, 'write');
  forge.db.transaction(() => {
    if (!deleteLandingPause(forge.db, repo.id, forge.clock.now())) {
      throw new ForgeError('conflict', 'The queue is not paused; there is nothing to resume.');
    }
    recordAudit(forge, caller, { action: 'landing.resume', subject: fullName(repo), detail: { reason } });
  });
  return told(forge, repo);
}

function told(forge: Forge, repo: Repo): QueueView {
  tellLandings(forge, listLiveLandings(forge.db, repo.id));
  // An empty queue has a page, too.
  forge.events.emit('landings-paused', { repoId: repo.id });
  return readQueue(forge, repo);
}
