// What the rows of a branch say: whether it is open and whole, whether the caller may land it, and whether somebody
// keeps it back.
import type { Branch } from '../../branches/model.ts';
import type { Forge } from '../../forge/open.ts';
import { fullName, includesRight } from '../../repos/model.ts';
import { rightOn } from '../../repos/rights.ts';
import { holdOf } from './hold-of.ts';
import type { GateQuestion } from './question.ts';
import { findDraft, listHolds } from '../holds/hold-branch.ts';
import type { GateHold } from '../model.ts';
import { isoTime } from '../../lib/iso-time.ts';

export function branchHolds(branch: Branch): GateHold[] {
  if (branch.state !== 'open') {
    const wayOut = branch.state === 'closed' ? 'Reopen it to land it.' : 'Nothing more is needed.';
    return [holdOf('not_open', { message: `The branch is ${branch.state}.`, wayOut })];
  }
  if (branch.brokenReason === undefined) return [];
  const message = `The branch cannot be read: ${branch.brokenReason}.`;
  return [holdOf('branch_broken', { message, wayOut: 'Push it again, or close it.' })];
}

export function rightHolds(forge: Forge, { caller, repo }: GateQuestion): GateHold[] {
  if (includesRight(rightOn(forge, caller, repo), 'write')) return [];
  const wayOut =
    caller.account === undefined
      ? 'Sign in as somebody who may.'
      : 'Ask the owner of the repository for the right to write, or let somebody merge who has it.';
  return [holdOf('not_allowed', { message: `You may not write to ${fullName(repo)}.`, wayOut })];
}

/** Drafts, and what somebody holds back with a reason. */
export function keptBackHolds(forge: Forge, branch: Branch): GateHold[] {
  if (branch.state !== 'open') return [];
  const draft = findDraft(forge, branch);
  const holds = listHolds(forge, branch).map((hold) => {
    const until = hold.expiresAt === undefined ? '' : ` until ${minuteOf(hold.expiresAt)}`;
    return holdOf(
      'held',
      {
        message: `${hold.author} holds the branch${until}: ${asSentence(hold.reason)}`,
        wayOut: `${hold.author} or a maintainer lifts it: ph unhold`,
      },
      {
        since: isoTime(hold.createdAt),
        resolves: hold.expiresAt === undefined ? 'somebody' : 'itself',
      },
    );
  });
  if (draft === undefined) return holds;
  const message = `The branch is a draft, says ${draft.by}.`;
  const wayOut = 'Mark it ready: ph ready';
  return [holdOf('draft', { message, wayOut }, { since: isoTime(draft.at) }), ...holds];
}

export function headHolds({ branch, head }: GateQuestion, headOid: string | undefined): GateHold[] {
  if (headOid === undefined) {
    const message = `The branch ${branch.name} is gone from the repository.`;
    return [holdOf('stale_head', { message, wayOut: 'Push it again.' })];
  }
  const seen = head ?? branch.headOid;
  if (seen === headOid && branch.headOid === headOid) return [];
  const message = `The branch moved: its head is ${headOid.slice(0, 8)} now, not ${seen.slice(0, 8)}.`;
  // What was pushed a moment ago has no row yet; whoever named another head has to look.
  const resolves = head === undefined || head === headOid ? 'itself' : 'somebody';
  return [holdOf('stale_head', { message, wayOut: 'Fetch it and look at what is new.' }, { resolves })];
}

const asSentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);
const minuteOf = (at: number): string => `${isoTime(at).slice(0, 16).replace('T', ' ')} UTC`;
