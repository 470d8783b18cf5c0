// How long a repository keeps logs, artifacts, runs and superseded revisions: what the forge says, unless it has a wish of
// its own.
import { recordAudit } from '../accounts/audit.ts';
import type { Caller } from '../accounts/model.ts';
import type { Forge } from '../forge/open.ts';
import { fullName, type Repo } from './model.ts';
import type { RepoRetentionView, RetentionDays, RetentionRequest } from './retention-model.ts';
import { findRetentionRow, putRetentionRow, type OwnRetention } from './retention-store.ts';
import { requireRight } from './rights.ts';

const none: OwnRetention = { logDays: null, artifactDays: null, runDays: null, revisionDays: null };

/** What is in force for a repository, with where it comes from. */
export function retentionOf(forge: Forge, repoId: number): RepoRetentionView {
  const { logDays, runDays, revisionDays } = forge.config.retention;
  const ofForge: RetentionDays = {
    logDays,
    artifactDays: forge.config.ci.artifactDays,
    runDays,
    revisionDays,
  };
  const own = findRetentionRow(forge.db, repoId) ?? none;
  return {
    own,
    forge: ofForge,
    inForce: {
      logDays: own.logDays ?? ofForge.logDays,
      artifactDays: own.artifactDays ?? ofForge.artifactDays,
      runDays: own.runDays ?? ofForge.runDays,
      revisionDays: own.revisionDays ?? ofForge.revisionDays,
    },
  };
}

/** Changes the wishes that are given and answers what is in force then. */
export function setRetention(
  forge: Forge,
  { repo, caller, changes }: { repo: Repo; caller: Caller; changes: RetentionRequest },
): RepoRetentionView {
  requireRight(forge, caller, { repo, right: 'maintain' });
  forge.db.transaction(() => {
    const before = findRetentionRow(forge.db, repo.id) ?? none;
    const given = Object.fromEntries(Object.entries(changes).filter(([, days]) => days !== undefined));
    putRetentionRow(forge.db, { ...before, ...given, repoId: repo.id });
    recordAudit(forge, caller, { action: 'repo.retention', subject: fullName(repo), detail: given });
  });
  return retentionOf(forge, repo.id);
}
