// What every change of an entry brings with it: who is told, and the words of its end.
import { getAccount } from '../../accounts/find.ts';
import type { Caller } from '../../accounts/model.ts';
import type { Forge } from '../../forge/open.ts';
import type { LandingState } from './model.ts';
import { endLandingRow, type Landing, type LandingEnd } from './store.ts';

type Entry = Pick<Landing, 'id' | 'repoId' | 'branchId'>;

/** Tells of entries that changed, after the transaction that changed them. */
export function tellLandings(forge: Forge, entries: readonly Pick<Entry, 'repoId' | 'branchId'>[]): void {
  for (const { repoId, branchId } of entries) forge.events.emit('landing-changed', { repoId, branchId });
}

/** What the forge may end at any time; only a landing that is moving the target is past it. */
const beforeLanding: readonly LandingState[] = ['waiting', 'queued', 'testing'];

/** Ends an entry that has not landed; false when it has ended, or is being landed. Not for use inside a transaction. */
export function endLanding(
  forge: Forge,
  entry: Entry,
  end: Omit<LandingEnd, 'id' | 'now'>,
  from: readonly LandingState[] = beforeLanding,
): boolean {
  const ended = endLandingRow(forge.db, { ...end, id: entry.id, now: forge.clock.now() }, from);
  if (ended) tellLandings(forge, [entry]);
  return ended;
}

/** Whoever ordered a landing, when the queue asks for their rights and does it in their name. */
export const orderedBy = (forge: Forge, landing: Pick<Landing, 'actorId' | 'credential'>): Caller => ({
  account: getAccount(forge, landing.actorId),
  scope: 'write',
  credential: `landing queue, ordered with ${landing.credential}`,
  address: '',
});
