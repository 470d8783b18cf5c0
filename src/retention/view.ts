// What is kept, what would go and what went, as the operator sees it.
import { diskRoom } from '../forge/disk.ts';
import type { Forge } from '../forge/open.ts';
import type { Outdated } from '../lib/outdated.ts';
import { isoTime } from '../lib/iso-time.ts';
import { getRepo } from '../repos/find.ts';
import { fullName } from '../repos/model.ts';
import { dayMs, dayOf } from './days.ts';
import { findOutdated } from './find.ts';
import type { OutdatedView, RetentionView } from './model.ts';
import { Tally, type Keeper } from './pass.ts';
import { sumKept, sumRemovals } from './store.ts';

/** Of each kind in each repository; a sum that reaches it is cut. */
const looked = 1000;
const shownDays = 30;

/** Looks at everything and changes nothing. `limit`: of the things that are named one by one. */
export async function retentionViewOf(
  forge: Forge,
  keeper: Pick<Keeper, 'outdated'>,
  limit: number,
): Promise<RetentionView> {
  const tally = new Tally();
  const things: Outdated[] = [];
  let isCut = false;
  const take = (found: readonly Outdated[]): void => {
    if (found.length >= looked) isCut = true;
    for (const thing of found) tally.add(thing);
    things.push(...found.slice(0, Math.max(0, limit - things.length)));
  };
  for await (const found of findOutdated(forge, { limit: looked })) take(found);
  take(await keeper.outdated());
  const { freeBytes, totalBytes, minFreeBytes, isLow } = diskRoom(forge);
  return {
    disk: { freeBytes, totalBytes, minFreeBytes, isLow },
    days: daysOf(forge),
    kept: sumKept(forge.db),
    wouldGo: tally.sums,
    isCut,
    things: things.map((thing) => viewOf(forge, thing)),
    removed: sumRemovals(forge.db, dayOf(forge.clock.now() - shownDays * dayMs)),
  };
}

/** The rules that are given in days, by the name they have in the configuration. */
function daysOf({ config }: Forge): Record<string, number> {
  const { logDays, attemptDays, runDays, revisionDays, cacheDays, statusDays, largeFileDays, auditDays } =
    config.retention;
  const days = { logDays, artifactDays: config.ci.artifactDays, attemptDays, runDays, revisionDays };
  const others = { cacheDays, statusDays, largeFileDays };
  return { ...days, ...others, ...(auditDays === undefined ? {} : { auditDays }) };
}

const viewOf = (forge: Forge, { kind, repoId, what, why, bytes, at }: Outdated): OutdatedView => ({
  kind,
  repo: repoId === undefined ? null : fullName(getRepo(forge, repoId)),
  what,
  why,
  bytes,
  since: isoTime(at),
});
