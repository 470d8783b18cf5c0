// The inbox on pages of others: its beginning on the home page, and the bar that leads from branch to branch.
import type { Caller } from '../accounts/model.ts';
import type { Branch } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import { listInbox } from './find.ts';
import { entryPath, entryShown } from './view.ts';

/** So many branches one can go through with previous and next. */
export const maxReviewed = 200;

export const reviewPath = (entry: Parameters<typeof entryPath>[0]): string =>
  `${entryPath(entry)}?inbox=review`;

/** What the bar on the page of a branch shows when one goes through the inbox. */
export function inboxBar(forge: Forge, caller: Caller, branch: Branch) {
  const { entries } = listInbox(forge, caller, { limit: maxReviewed });
  const at = entries.findIndex((entry) => entry.branchId === branch.id);
  // What has just left the inbox was before what is first now.
  const [previous, next] = at < 0 ? [undefined, entries[0]] : [entries[at - 1], entries[at + 1]];
  const here = entries[at];
  return {
    count: entries.length,
    position: at + 1,
    branchId: branch.id,
    reasons: here === undefined ? [] : entryShown(here).reasons,
    previous: previous && reviewPath(previous),
    next: next && reviewPath(next),
    nextId: next?.branchId,
  };
}

/** The first entries, for the home page. */
export const inboxOnHome = (forge: Forge, caller: Caller, limit: number) => {
  const { entries, next } = listInbox(forge, caller, { limit });
  return { entries: entries.map(entryShown), hasMore: next !== undefined };
};
