import type { Forge } from '../forge/open.ts';
import { isoTime, isoTimeOrNull } from '../lib/iso-time.ts';
import { countStates, lagOf, stateOf } from './find.ts';
import { fingerprintsOf } from './remote/host-keys.ts';
import { findStatusProblem } from './status-store.ts';
import type {
  MirrorRef,
  MirrorRefView,
  MirrorRemote,
  MirrorSync,
  MirrorSyncView,
  MirrorView,
} from './model.ts';

export async function mirrorViewOf(forge: Forge, remote: MirrorRemote): Promise<MirrorView> {
  const counts = countStates(forge, remote);
  return {
    name: remote.name,
    url: remote.url,
    patterns: remote.patterns,
    credential: remote.credential,
    publicKey: remote.publicKey ?? null,
    hostKeys: remote.hostKeys === undefined ? [] : fingerprintsOf(remote.hostKeys),
    statuses: remote.statuses,
    statusesProblem: remote.statuses === '' ? null : (findStatusProblem(forge.db, remote.id) ?? null),
    active: remote.isActive,
    state: stateOf(remote, counts),
    atomic: remote.isAtomic ?? null,
    lag: await lagOf(forge, remote),
    refs: counts,
    problem: remote.problem ?? null,
    failures: remote.failures,
    triedAgainAt: remote.wanted > remote.done ? isoTimeOrNull(remote.restsUntil) : null,
    syncedAt: isoTimeOrNull(remote.syncedAt),
    createdAt: isoTime(remote.createdAt),
    createdBy: remote.createdByName ?? null,
  };
}

/** For pages, which say times in words. */
export const shownMirror = async (forge: Forge, remote: MirrorRemote) => ({
  ...(await mirrorViewOf(forge, remote)),
  syncedAt: remote.syncedAt,
});

export const mirrorRefViewOf = (row: MirrorRef): MirrorRefView => ({
  ref: row.ref,
  state: row.state,
  here: row.hereOid ?? null,
  there: row.thereOid ?? null,
  message: row.message ?? null,
  changedAt: isoTime(row.changedAt),
});

export const mirrorSyncViewOf = (sync: MirrorSync): MirrorSyncView => ({
  id: sync.id,
  cause: sync.cause,
  by: sync.accountName ?? null,
  state: sync.state,
  startedAt: isoTime(sync.startedAt),
  finishedAt: isoTimeOrNull(sync.finishedAt),
  pushed: sync.pushed,
  deleted: sync.deleted,
  refused: sync.refused,
  diverged: sync.diverged,
  message: sync.message ?? null,
});
