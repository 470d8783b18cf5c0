// What the landing queue says of a branch, in a line.
import type { LandingSummary } from '../landing/summary-model.ts';
import { cleanLine } from './output.ts';

/** Of a whole entry or of its summary, what a line tells. */
type Told = Pick<LandingSummary, 'state' | 'target' | 'position' | 'detail' | 'next'> &
  Tested & { ended: { why: string; wayOut: string } | null };
type Tested = Pick<LandingSummary, 'target' | 'testedWith' | 'candidate'>;

/** `main + #209 + #211`; empty for what is not tested. */
export function testedWith({ target, testedWith: below, candidate }: Tested): string {
  if (candidate === null) return '';
  return [cleanLine(target), ...below.map((number) => `#${number}`)].join(' + ');
}

/** `testing, number 2 to land on main, tested with main + #209: …` */
export function describeLanding(landing: Told): string {
  if (landing.ended !== null) {
    return cleanLine(`${landing.state}: ${landing.ended.why} ${landing.ended.wayOut}`);
  }
  const { position, target } = landing;
  const order = position === 1 ? 'the next' : `number ${position}`;
  const place = position === null ? '' : `, ${order} to land on ${target}`;
  const tested = testedWith(landing);
  const on = tested === '' ? '' : `, tested with ${tested}`;
  return cleanLine(`${landing.state}${place}${on}: ${landing.detail} ${landing.next}`);
}

/** Whether the branch left the queue without landing, at this commit. */
export const hasLeft = (landing: LandingSummary | null, commit: string): landing is LandingSummary =>
  landing !== null &&
  landing.head === commit &&
  (landing.state === 'evicted' || landing.state === 'cancelled');
