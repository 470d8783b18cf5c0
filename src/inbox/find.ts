// What stands in somebody's inbox. What its owner may not see any more is not shown, nor counted.
import type { Caller } from '../accounts/model.ts';
import type { Forge } from '../forge/open.ts';
import { getRepo } from '../repos/find.ts';
import { fullName, type Repo } from '../repos/model.ts';
import { rightOn } from '../repos/rights.ts';
import type { InboxEntry } from './model.ts';
import {
  countUnreadBranches,
  listEntryRows,
  listItemRepoIds,
  listReasonRows,
  type EntryRow,
} from './store.ts';

export interface InboxPage {
  entries: InboxEntry[];
  /** The `before` of the next page. */
  next: string | undefined;
}

/** The newest first; nobody in particular has an empty one. `before` is the `next` of the page before. */
export function listInbox(
  forge: Forge,
  caller: Caller,
  { before, limit }: { before?: string | undefined; limit: number },
): InboxPage {
  const { account } = caller;
  if (account === undefined) return { entries: [], next: undefined };
  const repos = visibleRepos(forge, caller, account.id);
  const [at, branchId] = (before ?? '').split('-').map(Number);
  const rows = listEntryRows(forge.db, {
    accountId: account.id,
    repoIds: [...repos.keys()],
    before: at === undefined || branchId === undefined ? undefined : { at, branchId },
    limit: limit + 1,
  });
  const shown = rows.slice(0, limit);
  const last = rows.length > limit ? shown.at(-1) : undefined;
  return {
    entries: entriesOf(forge, { accountId: account.id, rows: shown, repos }),
    next: last && `${last.at}-${last.branchId}`,
  };
}

/** Branches with something that was not read yet. */
export function countUnread(forge: Forge, caller: Caller): number {
  const { account } = caller;
  if (account === undefined) return 0;
  const repoIds = [...visibleRepos(forge, caller, account.id).keys()];
  return countUnreadBranches(forge.db, { accountId: account.id, repoIds });
}

function visibleRepos(forge: Forge, caller: Caller, accountId: number): Map<number, Repo> {
  const repos = listItemRepoIds(forge.db, accountId).map((id) => getRepo(forge, id));
  return new Map(
    repos.filter((repo) => rightOn(forge, caller, repo) !== 'none').map((repo) => [repo.id, repo]),
  );
}

function entriesOf(
  forge: Forge,
  { accountId, rows, repos }: { accountId: number; rows: readonly EntryRow[]; repos: Map<number, Repo> },
): InboxEntry[] {
  const branchIds = rows.map(({ branchId }) => branchId);
  const reasons = Map.groupBy(listReasonRows(forge.db, { accountId, branchIds }), ({ branchId }) => branchId);
  return rows.flatMap((row) => {
    const repo = repos.get(row.repoId);
    if (repo === undefined) return [];
    const ofBranch = (reasons.get(row.branchId) ?? []).map(({ kind, at, byName, detail, readAt }) => ({
      kind,
      at,
      byName: byName ?? undefined,
      detail,
      isUnread: readAt === null,
    }));
    const isUnread = ofBranch.some((reason) => reason.isUnread);
    return [{ ...row, repo: fullName(repo), isUnread, reasons: ofBranch }];
  });
}
