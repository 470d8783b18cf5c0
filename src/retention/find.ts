// What may go now, thing by thing, with the reason and the way it goes. Nothing is changed by looking.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { countOldAudit, forgetAudit } from '../accounts/forget-audit.ts';
import {
  forgetArtifacts,
  forgetAttempt,
  forgetLog,
  forgetRun,
  listStrayFolders,
} from '../ci/forget/forget.ts';
import { forgetStatuses } from '../ci/statuses/forget-statuses.ts';
import type { Forge } from '../forge/open.ts';
import { forgetUnheld, listUnheldObjects } from '../lfs/forget-unheld.ts';
import type { Outdated } from '../lib/outdated.ts';
import { removeTree } from '../lib/remove-tree.ts';
import { listRepos } from '../repos/find.ts';
import { retentionOf } from '../repos/retention.ts';
import { dayMs } from './days.ts';
import { listOldRevisions } from './old-revisions.ts';
import {
  listOutdatedArtifacts,
  listOutdatedAttempts,
  listOutdatedLogs,
  listOutdatedRuns,
  listOutdatedStatuses,
  needsAttempt,
  needsRun,
  type OutdatedAttempt,
} from './store.ts';

/** What a repository is asked for, and how many of each kind at most. */
export interface Asked {
  repoId: number;
  limit: number;
}

type Source = (forge: Forge, asked: Asked) => Outdated[];

/** In this order: what holds others goes last, and takes the rest of them with it. */
const sources: readonly Source[] = [
  oldArtifacts,
  oldLogs,
  oldAttempts,
  oldRuns,
  oldStatuses,
  listOldRevisions,
];

/** What may go in all repositories and beside them, at most `limit` of each kind from each repository. */
export async function* findOutdated(forge: Forge, { limit }: { limit: number }): AsyncGenerator<Outdated[]> {
  for (const { id: repoId } of listRepos(forge)) {
    for (const source of sources) {
      yield source(forge, { repoId, limit });
      // The looks at a large repository take their time; requests come in between.
      await nextTurn();
    }
  }
  yield oldObjects(forge, limit);
  yield oldAudit(forge);
  yield await strayFolders(forge);
}

const since = (forge: Forge, days: number): number => forge.clock.now() - days * dayMs;

const attemptWords = ({ laneKey, runNumber, number }: Omit<OutdatedAttempt, 'upTo'>): string =>
  `${laneKey} of run ${runNumber}, attempt ${number}`;

function oldArtifacts(forge: Forge, asked: Asked): Outdated[] {
  const { artifactDays } = retentionOf(forge, asked.repoId).inForce;
  const maxBytes = forge.config.retention.maxRepoArtifactBytes;
  const bounds = { ...asked, before: since(forge, artifactDays), maxBytes };
  return listOutdatedArtifacts(forge.db, bounds).map((attempt) => ({
    kind: 'artifacts',
    repoId: asked.repoId,
    what: `artifacts of ${attemptWords(attempt)}`,
    why: whyOf(attempt, bounds, artifactDays),
    bytes: attempt.bytes,
    at: attempt.finishedAt,
    remove: () => !needsAttempt(forge.db, attempt.id) && forgetArtifacts(forge, attempt),
  }));
}

function oldLogs(forge: Forge, asked: Asked): Outdated[] {
  const { logDays } = retentionOf(forge, asked.repoId).inForce;
  const bounds = {
    ...asked,
    before: since(forge, logDays),
    maxBytes: forge.config.retention.maxRepoLogBytes,
  };
  return listOutdatedLogs(forge.db, bounds).map((attempt) => ({
    kind: 'log',
    repoId: asked.repoId,
    what: `log of ${attemptWords(attempt)}`,
    why: whyOf(attempt, bounds, logDays),
    bytes: attempt.bytes,
    at: attempt.finishedAt,
    remove: () => !needsAttempt(forge.db, attempt.id) && forgetLog(forge, attempt),
  }));
}

function whyOf(
  { finishedAt }: OutdatedAttempt,
  { before, maxBytes }: { before: number; maxBytes: number },
  days: number,
): string {
  return finishedAt < before
    ? `older than ${days} days`
    : `the repository has more than ${maxBytes} bytes of them, and newer ones come first`;
}

function oldAttempts(forge: Forge, asked: Asked): Outdated[] {
  const { attemptDays } = forge.config.retention;
  const aged = { ...asked, before: since(forge, attemptDays) };
  return listOutdatedAttempts(forge.db, aged).map((attempt) => ({
    kind: 'attempt',
    repoId: asked.repoId,
    what: attemptWords(attempt),
    why: `a later attempt took its place, more than ${attemptDays} days ago`,
    bytes: attempt.bytes,
    at: attempt.finishedAt,
    remove: () => !needsRun(forge.db, attempt.runId) && forgetAttempt(forge, attempt.id),
  }));
}

function oldRuns(forge: Forge, asked: Asked): Outdated[] {
  const { runDays } = retentionOf(forge, asked.repoId).inForce;
  const aged = { ...asked, before: since(forge, runDays), keep: forge.config.retention.keepRuns };
  return listOutdatedRuns(forge.db, aged).map(({ id, number, kind, bytes, finishedAt }) => ({
    kind: 'run',
    repoId: asked.repoId,
    what: `run ${number} (${kind})`,
    why: `older than ${runDays} days`,
    bytes,
    at: finishedAt,
    remove: () => !needsRun(forge.db, id) && forgetRun(forge, { id, repoId: asked.repoId }),
  }));
}

function oldStatuses(forge: Forge, asked: Asked): Outdated[] {
  const { statusDays } = forge.config.retention;
  const { repoId } = asked;
  const before = since(forge, statusDays);
  return listOutdatedStatuses(forge.db, { ...asked, before }).map(({ oid, updatedAt }) => ({
    kind: 'status',
    repoId,
    what: `statuses of ${oid.slice(0, 12)}`,
    why: `older than ${statusDays} days, and no open branch stands there`,
    bytes: 0,
    at: updatedAt,
    remove: () => forgetStatuses(forge, { repoId, oid, before }),
  }));
}

function oldObjects(forge: Forge, limit: number): Outdated[] {
  const { largeFileDays } = forge.config.retention;
  return listUnheldObjects(forge, { before: since(forge, largeFileDays), limit }).map(
    ({ oid, size, createdAt }) => ({
      kind: 'large file',
      repoId: undefined,
      what: `large file ${oid.slice(0, 12)}`,
      why: `no repository has had it for ${largeFileDays} days`,
      bytes: size,
      at: createdAt,
      remove: () => forgetUnheld(forge, oid),
    }),
  );
}

function oldAudit(forge: Forge): Outdated[] {
  const { auditDays } = forge.config.retention;
  if (auditDays === undefined) return [];
  const before = since(forge, auditDays);
  const { count, oldestAt } = countOldAudit(forge, before);
  if (oldestAt === null) return [];
  const what = `${count} entries of the audit log`;
  const why = `older than ${auditDays} days`;
  const remove = () => forgetAudit(forge, before);
  return [{ kind: 'audit', repoId: undefined, what, why, bytes: 0, at: oldestAt, remove }];
}

async function strayFolders(forge: Forge): Promise<Outdated[]> {
  const why = 'nothing knows of it: the forge ended while it was removed';
  const folders = await listStrayFolders(forge);
  return folders.map((folder) => ({
    kind: 'leftover',
    repoId: undefined,
    what: `folder of attempt ${folder.split('/').at(-1) ?? ''}`,
    why,
    bytes: 0,
    at: forge.clock.now(),
    remove: () => removeTree(folder).then(() => true),
  }));
}
