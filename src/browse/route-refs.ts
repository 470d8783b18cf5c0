// The page of branches and tags.
import { Router, type Request } from 'express';
import { z } from 'zod';
import { callerOf } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import { decodePath, encodePath, pathOfText, rootPath, showPath, type GitPath } from '../git/git-path.ts';
import { repoOf } from '../repos/guard.ts';
import { fullName, type Repo } from '../repos/model.ts';
import { rightOn } from '../repos/rights.ts';
import { visibleName } from '../web/filters.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import { listRefPage, type ListedRef, type RefKind, type RefPage } from './refs.ts';

export const refQuery = z.object({
  kind: z.enum(['branches', 'tags']).default('branches'),
  q: z.string().max(200).default(''),
  /** The path of the page that leads here, percent-encoded byte by byte; the refs lead to the same path. */
  path: z.string().max(8192).default(''),
  from: z.coerce.number().int().min(0).max(10_000_000).default(0),
});

export function refPages(forge: Forge): Router {
  const router = Router();
  router.get('/:owner/:repo/refs', async (request, response) => {
    const repo = repoOf(forge, { request, response }, 'read');
    const query = parse(refQuery, request.query);
    const page = await refsOf(forge, repo, request);
    const path = decodePath(query.path) ?? rootPath;
    render(response, 'browse/refs.njk', {
      repo,
      base: `/${fullName(repo)}`,
      right: rightOn(forge, callerOf(response), repo),
      kind: query.kind,
      q: query.q,
      path: encodePath(path),
      pathName: visibleName(showPath(path)),
      branchesHref: hrefOf({ ...query, kind: 'branches', q: '' }, 0),
      tagsHref: hrefOf({ ...query, kind: 'tags', q: '' }, 0),
      allHref: hrefOf({ ...query, q: '' }, 0),
      ...page,
      rows: page.refs.map((ref) => rowOf(repo, { kind: query.kind, path }, ref)),
      ...neighbours(page, query),
    });
  });
  return router;
}

/** The part of the refs that the query of a request asks for. */
export function refsOf(forge: Forge, repo: Repo, request: Request): Promise<RefPage> {
  const { kind, q, from } = parse(refQuery, request.query);
  const limit = forge.config.limits.maxRowsPerPage;
  return listRefPage(forge, repo, { kind, filter: q.trim(), offset: from, limit });
}

/** Addresses spell a name out where the same name, or a longer one, may be of the other kind. */
function rowOf(
  repo: Repo,
  { kind, path }: { kind: RefKind; path: GitPath },
  ref: ListedRef,
): Record<string, unknown> {
  const spelled = encodePath(pathOfText(kind === 'tags' ? `refs/tags/${ref.name}` : ref.name));
  const base = `/${fullName(repo)}`;
  const tail = path === rootPath ? '' : `/${encodePath(path)}`;
  return {
    ...ref,
    isDefault: kind === 'branches' && ref.name === repo.defaultBranch,
    filesHref: `${base}/tree/${spelled}${tail}`,
    historyHref: `${base}/commits/${spelled}${tail}`,
    compareHref: `${base}/compare/${encodePath(pathOfText(repo.defaultBranch))}...${encodePath(pathOfText(ref.name))}`,
    archiveHref: `${base}/archive/${spelled}`,
  };
}

type RefParameters = z.output<typeof refQuery>;

function neighbours(page: RefPage, query: RefParameters): Record<string, unknown> {
  const next = page.offset + page.refs.length;
  return {
    first: page.refs.length === 0 ? 0 : page.offset + 1,
    last: next,
    previousHref: page.offset > 0 ? hrefOf(query, 0) : undefined,
    nextHref: next < page.matching && page.refs.length > 0 ? hrefOf(query, next) : undefined,
  };
}

function hrefOf({ kind, q, path }: RefParameters, from: number): string {
  const given = { kind, ...(q && { q }), ...(path && { path }), ...(from > 0 && { from: String(from) }) };
  return `?${new URLSearchParams(given)}`;
}
