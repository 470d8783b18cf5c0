// Every entry says why it is not further, and since when. Written at the end of a pass, where it changed.
import type { Forge } from '../../forge/open.ts';
import { tellLandings } from './queue-change.ts';
import type { LandingReason } from './model.ts';
import { explainLanding, type Landing } from './store.ts';

/** What its last candidate was given up for says more than its place, until it is tested again. */
const lasting: readonly (LandingReason | undefined)[] = ['rebuild', 'split', 'retry'];

/** `queued` is in the order of landing; `isFree`: nothing is tested before the first of them. */
export function explainQueued(
  forge: Forge,
  queued: readonly Landing[],
  { isPaused, isFree }: { isPaused: boolean; isFree: boolean },
): void {
  const told = queued.filter((landing, place) => {
    const { reason, reasonDetail } = landing;
    if (isPaused) return explain(forge, landing, { reason: 'paused', detail: undefined });
    if (lasting.includes(reason)) return false;
    const next = place === 0 && isFree ? 'ready' : 'behind';
    return reason !== next || reasonDetail !== undefined
      ? explain(forge, landing, { reason: next, detail: undefined })
      : false;
  });
  tellLandings(forge, told);
}

/** As the members of one candidate are told. */
export function explainTested(
  forge: Forge,
  landings: readonly Landing[],
  says: { reason: LandingReason; detail?: string | undefined },
): void {
  tellLandings(
    forge,
    landings.filter((landing) => explain(forge, landing, { detail: undefined, ...says })),
  );
}

const explain = (
  forge: Forge,
  { id, state }: Landing,
  says: { reason: LandingReason; detail: string | undefined },
): boolean => explainLanding(forge.db, { id, state, ...says, now: forge.clock.now() });
