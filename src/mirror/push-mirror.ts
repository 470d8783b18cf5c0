// One sync: looks what stands at a remote, decides ref by ref, and sends. What is found is written down as it is found, so a
// sync that is killed anywhere leaves the next one everything that it needs to tell its own work from that of others.
import type { Forge } from '../forge/open.ts';
import { listRefs } from '../git/refs.ts';
import { ForgeError } from '../lib/errors.ts';
import { getRepo } from '../repos/find.ts';
import { repoPath } from '../repos/path.ts';
import { chooseRefs, mirroredPrefixes } from './choose-refs.ts';
import { openCredential, type RemoteCredential } from './remote/credential.ts';
import { sendObjects, type SentObjects } from './lfs/send-objects.ts';
import { isRefused, tellSent } from './lfs/tell-objects.ts';
import type { MirrorRemote } from './model.ts';
import { notePlan, type Sending } from './note-refs.ts';
import { planPush } from './plan-push.ts';
import { reachRemote, type Reach } from './remote/reach-remote.ts';
import { parseRemoteAddress } from './remote/remote-address.ts';
import { failureOf } from './remote/remote-failure.ts';
import { findSealed, updateHostKeys } from './remote-store.ts';
import { listMemoryBytes, runRemote } from './remote/run-remote.ts';
import { sendPushes, type Sent } from './send-pushes.ts';
import { listAllRefs } from './sync-store.ts';
import { stillHolds, type MirrorHold, type SyncOutcome } from './take-remote.ts';

/** What a sealed credential is bound to. */
export const placeOfRemote = (id: number): string => `mirror remote ${id}`;

export interface MirrorPush {
  remote: MirrorRemote;
  signal: AbortSignal;
}

/**
 * Brings one remote in step, as far as it lets. It needs the hold: without the guard nobody may push. Throws what keeps the
 * remote from being reached (`unavailable`, `forbidden`, `limited`), and `conflict` when the hold was lost.
 */
export async function pushMirror(forge: Forge, hold: MirrorHold, order: MirrorPush): Promise<SyncOutcome> {
  const { remote, signal } = order;
  if (hold.remoteId !== remote.id) throw new TypeError('the hold is of another remote');
  const address = parseRemoteAddress(forge.config.mirror, remote.url);
  const credential = credentialOf(forge, remote);
  const reach = await reachRemote(forge, { address, credential, hostKeys: remote.hostKeys });
  try {
    const repo = repoPath(forge, remote.repoId);
    const there = await listThere(forge, reach, { repo, signal });
    await keepHostKeys(forge, hold, { remote, reach });
    const known = new Map(listAllRefs(forge.db, remote.id).map((ref) => [ref.ref, ref]));
    const here = await listRefs(forge.git, repo, [...mirroredPrefixes]);
    const isChosen = chooseRefs(remote.patterns);
    const plan = planPush({ here, there, known, isChosen, triesRefused: hold.triesRefused });
    notePlan(forge, hold, { plan, known });
    const mainRef = `refs/heads/${getRepo(forge, remote.repoId).defaultBranch}`;
    // Before the refs: a remote may refuse commits whose large files it does not have, and nobody should be shown them without.
    const objects = await sendObjects(forge, {
      repoId: remote.repoId,
      remote: { address, credential, reach },
      ...(hold.looksAtAll
        ? { wanted: [...here].flatMap(([ref, oid]) => (isChosen(ref) ? [oid] : [])), known: [] }
        : {
            wanted: plan.pushes.flatMap(({ oid }) => oid ?? []),
            known: nearest(there, [mainRef, ...plan.pushes.map(({ ref }) => ref)]),
          }),
      signal,
    });
    const sending: Sending = { forge, hold, remote, reach, repo, there, known, signal, mainRef };
    const isMainOdd = [...plan.diverged, ...plan.stillRefused].some(({ ref }) => ref === mainRef);
    const sent = await sendPushes(sending, { pushes: plan.pushes, isMainOdd });
    const refused = sent.refused + plan.stillRefused.length;
    const diverged = sent.diverged + plan.diverged.length;
    return outcomeOf({ ...sent, refused, diverged }, objects);
  } finally {
    await reach.close();
  }
}

/** What stands there, beginning with what the refs of the push stand at. */
const nearest = (there: ReadonlyMap<string, string>, refs: readonly string[]): string[] => [
  ...refs.flatMap((ref) => there.get(ref) ?? []),
  ...there.values(),
];

/** Refuses (`unavailable`) a credential that was sealed with a key that is gone. */
export function credentialOf(forge: Forge, remote: MirrorRemote): RemoteCredential {
  if (remote.credential === 'none') return { kind: 'none' };
  const sealed = findSealed(forge.db, remote.id);
  const credential = sealed && openCredential(forge, sealed, placeOfRemote(remote.id));
  if (credential !== undefined) return credential;
  throw new ForgeError(
    'unavailable',
    'The credential was sealed with a key that is gone; set another one in the settings of the mirror.',
  );
}

async function listThere(
  forge: Forge,
  reach: Reach,
  { repo, signal }: { repo: string; signal: AbortSignal },
): Promise<Map<string, string>> {
  const { timeoutSeconds, maxListBytes } = forge.config.mirror;
  const { exitCode, stdout, said } = await runRemote(forge, reach, {
    repo,
    args: ['ls-remote', '--refs', '--', reach.url, ...mirroredPrefixes.map((prefix) => `${prefix}*`)],
    timeoutMs: timeoutSeconds * 1000,
    maxBytes: maxListBytes,
    maxMemoryBytes: listMemoryBytes(maxListBytes),
    signal,
  });
  if (exitCode !== 0) throw new ForgeError('unavailable', failureOf(said).sentence);
  const lines = stdout.toString('utf8').split('\n');
  return new Map(
    lines.flatMap((line): [string, string][] => {
      const [, oid, ref] = /^([0-9a-f]{40})\t(refs\/.+)$/.exec(line) ?? [];
      return oid === undefined || ref === undefined ? [] : [[ref, oid]];
    }),
  );
}

/** The keys of a server that was met for the first time are those that it is held to from now on. */
async function keepHostKeys(
  forge: Forge,
  hold: MirrorHold,
  { remote, reach }: { remote: MirrorRemote; reach: Reach },
): Promise<void> {
  if (remote.hostKeys !== undefined) return;
  const hostKeys = await reach.learnedHostKeys();
  // Whoever lost the hold may have asked another server than the one that the mirror has now.
  if (hostKeys !== undefined && stillHolds(forge, hold))
    updateHostKeys(forge.db, { id: remote.id, hostKeys });
}

function outcomeOf(sums: Sent, objects: SentObjects): SyncOutcome {
  const { refused, diverged, waiting, withheld } = sums;
  const parts = [
    refused > 0 ? `${refused} refused by the remote` : '',
    diverged > 0 ? `${diverged} moved there by somebody and left as they are` : '',
    withheld > 0 ? `${withheld} held back until the default branch is in step` : '',
    waiting > 0 ? `${waiting} not sent yet` : '',
  ].filter((part) => part !== '');
  const ofRefs = parts.length === 0 ? [] : [`Of the refs: ${parts.join(', ')}.`];
  // A remote that has nothing of Git LFS, or cannot be given an object that nobody has, is in step as far as it can be.
  const owesObjects = isRefused(objects);
  const isPartial = refused + waiting + withheld > 0 || owesObjects;
  return {
    ...sums,
    state: isPartial ? 'partial' : 'done',
    isSoon: waiting > 0,
    owesObjects,
    message: [...ofRefs, ...tellSent(objects)].join(' ') || undefined,
  };
}
