import type { Response } from 'express';
import { callerOf } from '../accounts/guard.ts';
import { documentHtml } from '../browse/document-view.ts';
import { countBranches, listBranches } from '../branches/find.ts';
import type { BranchState } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import { readObject } from '../git/object-reader.ts';
import { resolveBranch } from '../git/refs.ts';
import { mirrorStates } from '../mirror/find.ts';
import { findUpstream } from '../mirror/pull/set-upstream.ts';
import { fullName, includesRight, type Repo, type Right } from '../repos/model.ts';
import { repoPath } from '../repos/path.ts';
import { rightOn } from '../repos/rights.ts';
import { repoUrls } from '../repos/urls.ts';
import { filterBranches } from '../ci/filter-branches.ts';
import { runStates, type RunState } from '../ci/model.ts';
import { branchRows } from './lists.ts';

const maxReadmeBytes = 256 * 1024;

export interface RepositoryQuery {
  state: BranchState;
  beforeId?: number | undefined;
  /** What the reader looks for; empty texts look for nothing. */
  filter: { q: string; author: string; ci: RunState | 'none' | '' };
}

/** The branches of one state, a page at a time, and how many there are of each. */
export function branchListData(forge: Forge, repo: Repo, query: RepositoryQuery): Record<string, unknown> {
  const limit = forge.config.limits.maxRowsPerPage;
  const { state, beforeId, filter } = query;
  const page = { repoId: repo.id, state, limit: limit + 1, beforeId };
  const given = Object.entries(filter).filter(([, value]) => value !== '');
  const { q, author, ci } = filter;
  const wanted = { text: q || undefined, author: author || undefined, ci: ci || undefined };
  const branches =
    given.length === 0 ? listBranches(forge, page) : filterBranches(forge, { ...page, ...wanted });
  return {
    repo,
    state,
    filter,
    ciStates: [...runStates, 'none'],
    // Goes on from page to page and from state to state.
    filterQuery: given.map(([key, value]) => `&${key}=${encodeURIComponent(value)}`).join(''),
    counts: countBranches(forge, repo.id),
    rows: branchRows(forge, [repo], branches.slice(0, limit)),
    olderThan: branches.length > limit ? branches[limit - 1]?.id : undefined,
    before: beforeId,
  };
}

export async function repositoryData(
  forge: Forge,
  exchange: { repo: Repo; response: Response; query: RepositoryQuery },
): Promise<Record<string, unknown>> {
  const { repo, query } = exchange;
  const head = await resolveBranch(forge.git, repoPath(forge, repo.id), repo.defaultBranch);
  const right = rightOn(forge, callerOf(exchange.response), repo);
  return {
    ...branchListData(forge, repo, query),
    urls: repoUrls(forge, repo),
    right,
    head,
    isEmpty: head === undefined,
    upstream: findUpstream(forge, repo)?.url,
    ...mirrorsData(forge, repo, right),
    readme: head === undefined ? undefined : await readReadme(forge, repo, head),
  };
}

/** Where else what is written here stands, for whoever writes it. */
export const mirrorsData = (forge: Forge, repo: Repo, right: Right): Record<string, unknown> => ({
  repo,
  mirrors: includesRight(right, 'write') ? mirrorStates(forge, repo) : [],
});

async function readReadme(forge: Forge, repo: Repo, head: string): Promise<string | undefined> {
  const expression = `${head}:README.md`;
  const blob = await readObject(forge.git, repoPath(forge, repo.id), {
    expression,
    maxBytes: maxReadmeBytes,
  });
  if (blob?.type !== 'blob' || blob.content === undefined) return undefined;
  const files = `/${fullName(repo)}/blob/HEAD/`;
  const text = blob.content.toString('utf8');
  return (await documentHtml({ root: files, folder: files }, { oid: blob.oid, text })).html;
}
