// Asks the gate of entries again: of those of which something was told, and of all now and then. What opened is queued,
// what is held waits and holds up nobody, and what can never land leaves.
import type { Forge } from '../../forge/open.ts';
import { errorMessage } from '../../lib/errors.ts';
import type { Repo } from '../../repos/model.ts';
import { conflictEnd } from './candidate-build.ts';
import { weighLanding } from './candidate-land.ts';
import type { GateHold } from '../model.ts';
import { endLanding, tellLandings } from './queue-change.ts';
import type { GateMoment, Weighed } from './queue-gate.ts';
import { findLandingRow, moveLanding, type Landing } from './store.ts';

/** True when the entry's state changed. What cannot be examined waits, so that it holds up nobody. */
export async function recheckEntry(
  forge: Forge,
  { repo, entry }: { repo: Repo; entry: Landing },
): Promise<boolean> {
  const moment = momentOf(entry);
  if (moment === undefined) return false;
  const weighed = await weighSafely(forge, { repo, entry, moment });
  const now = findLandingRow(forge.db, entry.id);
  const isSame = now?.state === entry.state && now.candidateId === entry.candidateId;
  return isSame && applyWeighed(forge, { entry: now, weighed });
}

function momentOf({ state }: Landing): GateMoment | undefined {
  if (state === 'waiting') return 'entering';
  if (state === 'queued') return 'building';
  return state === 'testing' ? 'landing' : undefined;
}

async function weighSafely(
  forge: Forge,
  question: { repo: Repo; entry: Landing; moment: GateMoment },
): Promise<Weighed> {
  const { repo, entry, moment } = question;
  try {
    return await weighLanding(forge, { repo, landing: entry, moment });
  } catch (error) {
    forge.log.error({ err: error, landing: entry.id }, 'the gate of a landing could not be asked');
    return { outcome: 'held', holds: [unreadable(error)], targetOid: undefined };
  }
}

const unreadable = (error: unknown): GateHold => ({
  kind: 'branch_broken',
  message: `The branch could not be examined: ${errorMessage(error)}`,
  wayOut: 'It is tried again by itself.',
  resolves: 'itself',
});

/** Lets an entry wait that git could not read. */
export const holdUnread = (forge: Forge, entry: Landing, error: unknown): boolean =>
  holdEntry(forge, entry, [unreadable(error)]);

/** Takes the consequence of what the gate said of an entry as it is; true when its state changed. */
export async function applyWeighed(
  forge: Forge,
  { entry, weighed }: { entry: Landing; weighed: Weighed },
): Promise<boolean> {
  if (weighed.outcome === 'held') return holdEntry(forge, entry, weighed.holds);
  if (weighed.outcome === 'open') return entry.state === 'waiting' && queueEntry(forge, entry);
  const { cause, hold } = weighed;
  const end =
    cause === 'conflict'
      ? await conflictEnd(forge, { landing: entry, paths: [] })
      : { cause, message: hold.message, wayOut: hold.wayOut };
  return endLanding(forge, entry, { state: 'evicted', ...end });
}

function queueEntry(forge: Forge, entry: Landing): boolean {
  return move(forge, entry, { to: 'queued', reason: 'ready', holds: [] });
}

function holdEntry(forge: Forge, entry: Landing, holds: readonly GateHold[]): boolean {
  const isNews = entry.state !== 'waiting' || JSON.stringify(holds) !== JSON.stringify(entry.holds);
  if (!isNews) return false;
  return move(forge, entry, { to: 'waiting', reason: 'gate_held', holds }) && entry.state !== 'waiting';
}

function move(
  forge: Forge,
  entry: Landing,
  step: { to: 'queued' | 'waiting'; reason: 'ready' | 'gate_held'; holds: readonly GateHold[] },
): boolean {
  const moved = moveLanding(forge.db, {
    id: entry.id,
    from: entry.state,
    ofCandidate: entry.candidateId ?? null,
    now: forge.clock.now(),
    ...step,
  });
  if (moved) tellLandings(forge, [entry]);
  return moved;
}
