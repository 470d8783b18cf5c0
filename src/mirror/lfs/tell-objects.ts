// What is said of the objects of Git LFS that a sync or a pull moved, and of those that it did not.
import type { Moved } from './move-objects.ts';

type Told = Moved & { named: number };

const maxTold = 3;

/** Sentences; none when there is nothing to say. */
export function tellSent({ named, moved, left, none }: Told): string[] {
  if (none !== undefined)
    return [`The remote takes no LFS objects, so ${objects(named)} may be missing there: ${ended(none)}`];
  return [
    ...(moved > 0 ? [`${objects(moved)} sent.`] : []),
    ...(left.length > 0 ? [`${objects(left.length)} not sent: ${describe(left)}.`] : []),
    ...(left.some(({ isNowhere }) => isNowhere) ? ['Sync by hand when somebody has sent it here.'] : []),
  ];
}

export function tellBrought({ named, moved, left, none }: Told): string[] {
  const isAre = named === 1 ? 'is' : 'are';
  if (none !== undefined)
    return [`The upstream gives no LFS objects, so ${objects(named)} ${isAre} missing here: ${ended(none)}`];
  return [
    ...(moved > 0 ? [`${objects(moved)} brought.`] : []),
    ...(left.length > 0 ? [`${objects(left.length)} missing here: ${describe(left)}.`] : []),
  ];
}

/** Whether the remote may take later what it did not take. */
export const isRefused = ({ left }: Told): boolean => left.some(({ isNowhere }) => isNowhere !== true);

/** Whether something should be where it is not. */
export const isIncomplete = ({ left, none }: Told): boolean => left.length > 0 || none !== undefined;

const objects = (count: number): string => `${count} LFS ${count === 1 ? 'object' : 'objects'}`;

const ended = (text: string): string => `${text.replace(/\.$/, '')}.`;

function describe(left: Told['left']): string {
  const shown = left
    .slice(0, maxTold)
    .map(({ oid, why }) => `${oid.slice(0, 12)} (${why.replace(/\.$/, '')})`);
  const more = left.length - shown.length;
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
