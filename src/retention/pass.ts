// Takes away what may go, a batch at a time, and writes down how much of each kind went. What fails is told and stays for the
// next pass; the rest goes all the same.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Forge } from '../forge/open.ts';
import type { Outdated } from '../lib/outdated.ts';
import { besideHousekeeping } from '../repos/housekeeping.ts';
import { dayMs, dayOf } from './days.ts';
import { findOutdated } from './find.ts';
import type { RemovedView, SumView } from './model.ts';
import { addRemoval, deleteRemovalsBefore } from './store.ts';

/** Of one kind in one repository, before the next ones have their turn. */
const batch = 200;
/** A pass ends after so many rounds; what is left has the next one. */
const maxRounds = 50;
const rememberedDays = 400;

/** What CI looks after itself, in its own place. */
export interface Keeper {
  outdated(): Promise<Outdated[]>;
  relieve(): Promise<Outdated[]>;
}

export class Tally {
  readonly #sums = new Map<string, SumView>();
  failed = 0;

  add({ kind, bytes }: Pick<Outdated, 'kind' | 'bytes'>): void {
    const sum = this.#sums.get(kind) ?? { kind, count: 0, bytes: 0 };
    this.#sums.set(kind, { kind, count: sum.count + 1, bytes: sum.bytes + bytes });
  }

  get sums(): SumView[] {
    return [...this.#sums.values()];
  }
}

/** Removes everything that may go. */
export async function retainOnly(forge: Forge, keeper: Keeper, signal: AbortSignal): Promise<RemovedView> {
  const tally = new Tally();
  for (let round = 0; round < maxRounds && !signal.aborted; round += 1) {
    if (!(await removeRound(forge, { tally, signal }))) break;
  }
  await removeAll(forge, await keeper.outdated(), { tally, signal });
  noteRemovals(forge, tally);
  return { removed: tally.sums, failed: tally.failed };
}

/** Writes down how much of each kind went today. */
export function noteRemovals(forge: Forge, tally: Tally): void {
  const now = forge.clock.now();
  forge.db.transaction(() => {
    for (const sum of tally.sums) addRemoval(forge.db, { ...sum, day: dayOf(now) });
    deleteRemovalsBefore(forge.db, dayOf(now - rememberedDays * dayMs));
  });
  if (tally.sums.length > 0) forge.log.info({ removed: tally.sums }, 'retention took away what was too old');
}

/** False: nothing more can be removed. */
async function removeRound(forge: Forge, work: Work): Promise<boolean> {
  let hasMore = false;
  for await (const things of findOutdated(forge, { limit: batch })) {
    if (work.signal.aborted) return false;
    const gone = await removeAll(forge, things, work);
    if (things.length >= batch && gone > 0) hasMore = true;
  }
  return hasMore;
}

interface Work {
  tally: Tally;
  signal: AbortSignal;
}

/** In the turn of the housekeeping: a backup that copies what is there does so in that turn too. */
function removeAll(forge: Forge, things: readonly Outdated[], work: Work): Promise<number> {
  if (things.length === 0) return Promise.resolve(0);
  return besideHousekeeping(forge, async () => {
    let gone = 0;
    for (const thing of things) {
      if (work.signal.aborted) break;
      if (await removeOne(forge, thing, work.tally)) gone += 1;
      await nextTurn();
    }
    return gone;
  });
}

async function removeOne(forge: Forge, thing: Outdated, tally: Tally): Promise<boolean> {
  try {
    const isGone = await thing.remove();
    if (isGone) tally.add(thing);
    return isGone;
  } catch (error) {
    tally.failed += 1;
    forge.log.error({ err: error, kind: thing.kind, what: thing.what }, 'what may go could not be removed');
    return false;
  }
}
