// Finds out who should look at a branch and why, and brings the inboxes up to that. It derives everything from what stands
// in the tables now, so it may be done at any time and as often as one likes.
import { getBranch, getRevision } from '../branches/find.ts';
import type { Branch } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import { getRepo } from '../repos/find.ts';
import type { Repo } from '../repos/model.ts';
import type { InboxKind } from './model.ts';
import {
  findNewestLanding,
  findRunSign,
  findSettler,
  isDraft,
  listNewestComments,
  listNewestMentions,
  listNewestReviews,
  listOpenRequests,
  listReviewerIds,
} from './signs-store.ts';
import { deleteItem, listItemsOfBranch, putItem } from './store.ts';

interface Wanted {
  accountId: number;
  kind: InboxKind;
  key: string;
  at: number;
  byId: number | undefined;
  detail: string;
}

const maxDetailCharacters = 300;
const dayMs = 24 * 60 * 60_000;

/** Older things are in no inbox. */
export const oldestWanted = (forge: Forge): number =>
  forge.clock.now() - forge.config.limits.inboxDays * dayMs;

/** Brings every inbox up to date about one branch; answers the accounts whose inbox has changed. */
export function lookAtBranch(forge: Forge, branchId: number): number[] {
  const branch = getBranch(forge, branchId);
  const repo = getRepo(forge, branch.repoId);
  return forge.db.relaxedTransaction(() => {
    const oldest = oldestWanted(forge);
    const wanted = new Map(
      wantedOf(forge, repo, branch)
        .filter(({ at }) => at >= oldest)
        .map((item) => [`${item.accountId} ${item.kind}`, item]),
    );
    const changed = new Set<number>();
    for (const { accountId, kind, key } of listItemsOfBranch(forge.db, branchId)) {
      const item = wanted.get(`${accountId} ${kind}`);
      if (item?.key === key) wanted.delete(`${accountId} ${kind}`);
      if (item !== undefined) continue;
      deleteItem(forge.db, { accountId, branchId, kind });
      changed.add(accountId);
    }
    for (const { byId, detail, ...item } of wanted.values()) {
      const short = detail.slice(0, maxDetailCharacters);
      putItem(forge.db, { ...item, branchId, repoId: repo.id, byId: byId ?? null, detail: short });
      changed.add(item.accountId);
    }
    return [...changed];
  });
}

function wantedOf(forge: Forge, repo: Repo, branch: Branch): Wanted[] {
  return [
    ...(branch.state === 'open' ? openSigns(forge, repo, branch) : endSigns(forge, branch)),
    ...wordSigns(forge, branch),
  ];
}

function openSigns(forge: Forge, repo: Repo, branch: Branch): Wanted[] {
  const reviews = listNewestReviews(forge.db, branch.id);
  const ofAuthor = branch.authorId === undefined ? [] : authorSigns(forge, branch, branch.authorId);
  const draft = isDraft(forge.db, branch.id);
  if (draft) return ofAuthor;
  const pushed = getRevision(forge, branch.id, branch.revision);
  const others = (accountId: number): boolean =>
    accountId !== branch.authorId && accountId !== pushed.pushedById;
  const outdated = reviews
    .filter(({ accountId, isOutdated }) => isOutdated === 1 && others(accountId))
    .map(({ accountId }): Wanted => ({
      accountId,
      kind: 'commits',
      key: `revision ${branch.revision}`,
      at: pushed.pushedAt,
      byId: pushed.pushedById,
      detail: '',
    }));
  const known = new Set(reviews.map(({ accountId }) => accountId));
  const named = listOpenRequests(forge.db, branch.id)
    .filter(({ accountId }) => others(accountId))
    .map(({ accountId, byId, at }): Wanted => ({
      accountId,
      kind: 'review',
      key: `asked ${at}`,
      at,
      byId,
      detail: '',
    }));
  const byName = new Set(named.map(({ accountId }) => accountId));
  const asked = listReviewerIds(forge.db, repo)
    .filter((accountId) => !known.has(accountId) && !byName.has(accountId) && others(accountId))
    .map((accountId): Wanted => ({
      accountId,
      kind: 'review',
      key: 'review',
      at: branch.createdAt,
      byId: branch.authorId,
      detail: '',
    }));
  return [...ofAuthor, ...outdated, ...named, ...asked];
}

/** What an author should know of an open branch. */
function authorSigns(forge: Forge, branch: Branch, authorId: number): Wanted[] {
  const signs: Wanted[] = [];
  const run = findRunSign(forge.db, { branchId: branch.id, revision: branch.revision });
  if (run?.state === 'failed') {
    const at = run.at ?? branch.updatedAt;
    const detail = run.problem ?? run.failing ?? '';
    signs.push({
      accountId: authorId,
      kind: 'ci_failed',
      key: `run ${run.id} ${at}`,
      at,
      byId: undefined,
      detail,
    });
  }
  const review = listNewestReviews(forge.db, branch.id).findLast(({ accountId }) => accountId !== authorId);
  if (review !== undefined) {
    const { id, at, accountId: byId, verdict: detail } = review;
    signs.push({ accountId: authorId, kind: 'reviewed', key: `review ${id}`, at, byId, detail });
  }
  const landing = findNewestLanding(forge.db, branch.id);
  if (landing?.state === 'evicted' && landing.headOid === branch.headOid) {
    const { id, why } = landing;
    const at = landing.at ?? branch.updatedAt;
    for (const accountId of new Set([authorId, landing.actorId])) {
      signs.push({
        accountId,
        kind: 'evicted',
        key: `landing ${id}`,
        at,
        byId: undefined,
        detail: why ?? '',
      });
    }
  }
  return signs;
}

/** The end of a branch is news for its author unless the author ended it, and for whoever put it into the queue. */
function endSigns(forge: Forge, branch: Branch): Wanted[] {
  const settlerId = findSettler(forge.db, branch.id);
  const at = branch.settledAt ?? branch.updatedAt;
  const landing = findNewestLanding(forge.db, branch.id);
  const isQueued = branch.state === 'merged' && landing?.state === 'landed';
  const told = new Set<number>();
  if (branch.authorId !== undefined && (isQueued || settlerId !== branch.authorId)) told.add(branch.authorId);
  if (isQueued) told.add(landing.actorId);
  return [...told].map((accountId) => ({
    accountId,
    kind: branch.state === 'merged' ? 'landed' : 'closed',
    key: `${branch.state} ${at}`,
    at,
    byId: isQueued ? undefined : settlerId,
    detail: branch.target,
  }));
}

/** Words stay until they are dismissed, also when the branch has ended. */
function wordSigns(forge: Forge, branch: Branch): Wanted[] {
  const mentions = listNewestMentions(forge.db, branch.id).map(({ id, ...word }): Wanted => ({
    ...word,
    kind: 'mentioned',
    key: `mention ${id}`,
    detail: '',
  }));
  const comments = listNewestComments(forge.db, {
    branchId: branch.id,
    authorId: branch.authorId ?? null,
  }).map(({ id, ...word }): Wanted => ({ ...word, kind: 'commented', key: `comment ${id}`, detail: '' }));
  return [...mentions, ...comments];
}
