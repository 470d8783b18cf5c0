// What the landing queue says of a branch, in a line.
import type { LandingView } from '../landing/queue-model.ts';
import type { BranchStatusView } from '../landing/model.ts';
import { cleanLine } from './output.ts';

export type Landing = NonNullable<BranchStatusView['landing']>;

/** `main + #209 + #211`; empty for what is not tested. */
export function testedWith({
  target,
  testedWith: below,
  candidate,
}: Pick<LandingView, 'target' | 'testedWith' | 'candidate'>): string {
  if (candidate === null) return '';
  return [cleanLine(target), ...below.map((number) => `#${number}`)].join(' + ');
}

/** `testing, 2. to land on main, tested with main + #209: …` */
export function describeLanding(landing: Landing): string {
  if (landing.ended !== null) {
    return cleanLine(`${landing.state}: ${landing.ended.why} ${landing.ended.wayOut}`);
  }
  const place = landing.position === null ? '' : `, ${landing.position}. to land on ${landing.target}`;
  const tested = testedWith(landing);
  const on = tested === '' ? '' : `, tested with ${tested}`;
  return cleanLine(`${landing.state}${place}${on}: ${landing.detail} ${landing.next}`);
}

/** Whether the branch left the queue without landing, at this commit. */
export const hasLeft = (landing: Landing | null, commit: string): landing is Landing =>
  landing !== null &&
  landing.head === commit &&
  (landing.state === 'evicted' || landing.state === 'cancelled');
