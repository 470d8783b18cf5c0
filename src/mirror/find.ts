import type { Forge } from '../forge/open.ts';
import { listRefs } from '../git/refs.ts';
import type { Repo } from '../repos/model.ts';
import { repoPath } from '../repos/path.ts';
import { chooseRefs, mirroredPrefixes } from './choose-refs.ts';
import type { MirrorRef, MirrorRemote, MirrorSync, RefState, RemoteState } from './model.ts';
import { listAllRemotes, listRemoteRows } from './remote-store.ts';
import { getMirror } from './set-mirror.ts';
import { countRefs, findSync, listAllRefs, listRefPage, listSyncRows } from './sync-store.ts';

export const countStates = (forge: Forge, remote: MirrorRemote): Record<RefState, number> =>
  countRefs(forge.db, remote.id);

/** What the remote does as a whole; the worst of what is true of it. */
export function stateOf(remote: MirrorRemote, counts: Record<RefState, number>): RemoteState {
  if (!remote.isActive) return 'off';
  if (remote.leaseUntil !== undefined) return 'syncing';
  if (remote.failures > 0) return 'failing';
  if (counts.refused > 0) return 'refused';
  if (remote.wanted > remote.done || counts.behind > 0) return 'behind';
  return counts.diverged > 0 ? 'diverged' : 'in-step';
}

/** The name of each mirror of a repository and how it does; cheap enough for any page. */
export const mirrorStates = (forge: Forge, repo: Repo): { name: string; state: RemoteState }[] =>
  listRemoteRows(forge.db, repo.id).map((remote) => ({
    name: remote.name,
    state: stateOf(remote, countRefs(forge.db, remote.id)),
  }));

export interface Lag {
  /** Refs that stand elsewhere there than here, as far as the newest sync knows. */
  refs: number;
  /** Since the first change that is not there yet. */
  seconds: number;
}

/** How far a remote is behind now, by the refs of this moment. */
export async function lagOf(forge: Forge, remote: MirrorRemote): Promise<Lag> {
  const here = await chosenRefs(forge, remote);
  const known = new Map(listAllRefs(forge.db, remote.id).map((row) => [row.ref, row]));
  const missing = [...here].filter(([ref, oid]) => known.get(ref)?.thereOid !== oid).length;
  const left = [...known.values()].filter((row) => !here.has(row.ref) && row.thereOid !== undefined).length;
  return { refs: missing + left, seconds: missing + left === 0 ? 0 : secondsBehind(forge, remote) };
}

/** Of one that is off nothing is wanted. */
export const secondsBehind = (forge: Forge, { wantedAt, isActive }: MirrorRemote): number =>
  wantedAt === undefined || !isActive ? 0 : Math.max(0, Math.floor((forge.clock.now() - wantedAt) / 1000));

/** Whether something changed here that no sync has seen: the fact of it was lost. */
export async function hasUnseen(forge: Forge, remote: MirrorRemote): Promise<boolean> {
  const here = await chosenRefs(forge, remote);
  const known = listAllRefs(forge.db, remote.id);
  const seen = new Map(known.map(({ ref, hereOid }) => [ref, hereOid]));
  return (
    [...here].some(([ref, oid]) => seen.get(ref) !== oid) ||
    known.some(({ ref, hereOid }) => hereOid !== undefined && !here.has(ref))
  );
}

async function chosenRefs(forge: Forge, remote: MirrorRemote): Promise<Map<string, string>> {
  const isChosen = chooseRefs(remote.patterns);
  const refs = await listRefs(forge.git, repoPath(forge, remote.repoId), [...mirroredPrefixes]);
  return new Map([...refs].filter(([ref]) => isChosen(ref)));
}

/** By name; `next` is the `after` of the next page. */
export function listMirrorRefs(
  forge: Forge,
  { repo, name, state, after = '' }: { repo: Repo; name: string; state: string; after?: string | undefined },
): { refs: MirrorRef[]; next: string | undefined } {
  const { id } = getMirror(forge, repo, name);
  const limit = forge.config.limits.maxRowsPerPage;
  const rows = listRefPage(forge.db, { remoteId: id, state, after, limit: limit + 1 });
  const refs = rows.slice(0, limit);
  return { refs, next: rows.length > limit ? refs.at(-1)?.ref : undefined };
}

/** Newest first; `next` is the `before` of the next page. */
export function listSyncs(
  forge: Forge,
  { repo, name, before }: { repo: Repo; name: string; before?: number | undefined },
): { syncs: MirrorSync[]; next: number | undefined } {
  const { id } = getMirror(forge, repo, name);
  const limit = forge.config.limits.maxRowsPerPage;
  const rows = listSyncRows(forge.db, { remoteId: id, beforeId: before ?? null, limit: limit + 1 });
  const syncs = rows.slice(0, limit);
  return { syncs, next: rows.length > limit ? syncs.at(-1)?.id : undefined };
}

export const syncById = (forge: Forge, id: number): MirrorSync | undefined => findSync(forge.db, id);

export interface MirrorTrouble {
  remote: MirrorRemote;
  state: RemoteState;
  /** Refs that are not in step, by the newest sync. */
  refs: number;
  seconds: number;
}

/** Every mirror of the forge with how it does, for whoever watches over all of them. */
export const watchMirrors = (forge: Forge): MirrorTrouble[] =>
  listAllRemotes(forge.db).map((remote) => {
    const counts = countRefs(forge.db, remote.id);
    const refs = counts.behind + counts.diverged + counts.refused;
    const isBehind = remote.isActive && remote.wanted > remote.done;
    return {
      remote,
      state: stateOf(remote, counts),
      refs,
      seconds: isBehind ? secondsBehind(forge, remote) : 0,
    };
  });
