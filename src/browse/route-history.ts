// The pages of history: the commits that led to a place, a page at a time. Commits, comparisons and blames have
// routes of their own, mounted here.
import { Router } from 'express';
import { z } from 'zod';
import { callerOf } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import { encodePath, rootPath, showPath, type GitPath } from '../git/git-path.ts';
import { treeOf } from '../git/objects.ts';
import { findEntry, type EntryKind } from '../git/tree.ts';
import { ForgeError } from '../lib/errors.ts';
import { fullName } from '../repos/model.ts';
import { repoPath } from '../repos/path.ts';
import { rightOn } from '../repos/rights.ts';
import { iso, visibleName } from '../web/filters.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import { readHistory, type History, type HistoryEntry, type HistoryStart } from './history.ts';
import { findPlace, routeBelow, type Exchange, type Place } from './place.ts';
import { blamePages } from './route-blame.ts';
import { commitPages } from './route-commit.ts';
import { comparePages } from './route-compare.ts';
import { crumbsOf } from './crumbs-view.ts';
import { isKnown } from './route-etag.ts';

export const historyQuery = z.object({
  /** Where the first page began: a later one counts from the same commit, whatever was pushed since. */
  at: z
    .string()
    .regex(/^[0-9a-f]{40}$/, 'a whole object id')
    .optional(),
  skip: z.coerce.number().int().min(0).max(10_000_000).default(0),
  follow: z.enum(['0', '1']).default('0'),
});
export type HistoryParameters = z.output<typeof historyQuery>;

export function historyPages(forge: Forge): Router {
  const router = Router();
  router.get(routeBelow('commits'), (request, response) => showHistory(forge, { request, response }));
  router.use(commitPages(forge));
  router.use(comparePages(forge));
  router.use(blamePages(forge));
  return router;
}

async function showHistory(forge: Forge, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  const place = await findPlace(forge, exchange, { under: 'commits' });
  if (place === undefined) {
    response.redirect(302, `/${String(request.params['owner'])}/${String(request.params['repo'])}`);
    return;
  }
  const query = parse(historyQuery, request.query);
  const { repo } = place;
  const right = rightOn(forge, callerOf(response), repo);
  if (isKnown(forge, exchange, { repo, key: place.commit })) return;
  const { kind, history } = await historyOf(forge, place, query);
  const base = `/${fullName(repo)}`;
  const follow = query.follow === '1';
  render(response, 'browse/history.njk', {
    repo,
    base,
    right,
    ref: place.ref,
    path: visibleName(showPath(place.path)),
    rootHref: place.url('commits', rootPath),
    crumbs: crumbsOf(place, 'commits'),
    kind,
    follow,
    switchHref: follow ? place.url('commits') : `${place.url('commits')}?follow=1`,
    treeHref: place.url(kind === 'folder' ? 'tree' : 'blob'),
    blameHref: kind === 'file' ? place.url('blame') : undefined,
    days: byDay(history.commits.map((entry) => entryView(entry, { base, place, kind }))),
    timedOut: history.timedOut,
    readSeconds: forge.config.limits.readSeconds,
    firstHref: query.skip > 0 || query.at !== undefined ? place.url('commits') : undefined,
    nextHref: history.next && nextHref(place, history.next, follow),
    renamedFrom: history.renamedFrom && {
      name: visibleName(showPath(history.renamedFrom.path)),
      href: `${base}/commits/${history.renamedFrom.commit}/${encodePath(history.renamedFrom.path)}`,
    },
  });
}

/** A page of the history of a place, and what lies there now; refuses (`not_found`) a path that never was. */
export async function historyOf(
  forge: Forge,
  place: Place,
  query: HistoryParameters & { limit?: number },
): Promise<{ kind: EntryKind | undefined; history: History }> {
  const folder = repoPath(forge, place.repo.id);
  const start = query.at ?? place.commit;
  const tree = await treeOf(forge.git, folder, start);
  const entry = await findEntry(forge.git, folder, { tree, path: place.path });
  const history = await readHistory(forge, {
    repoId: place.repo.id,
    commit: start,
    path: place.path,
    skip: query.skip,
    limit: query.limit ?? forge.config.limits.maxRowsPerPage,
    // Only a file has a name of its own that it may have got from another.
    follow: query.follow === '1' && entry?.kind !== 'folder',
  });
  if (entry === undefined && history.commits.length === 0 && !history.timedOut && query.skip === 0) {
    throw new ForgeError(
      'not_found',
      `No commit of ${place.ref.shown} in ${fullName(place.repo)} ever had ${showPath(place.path)}.`,
    );
  }
  return { kind: entry?.kind, history };
}

/** The same place as long as the name is the same; what it was called before is a place of its own. */
export function nextHref(place: Place, next: HistoryStart, follow: boolean): string {
  const switches = follow ? '&follow=1' : '';
  if (next.path === place.path) {
    return `${place.url('commits')}?at=${next.commit}&skip=${next.skip}${switches}`;
  }
  const other = `/${fullName(place.repo)}/commits/${next.commit}/${encodePath(next.path)}`;
  return `${other}?skip=${next.skip}${switches}`;
}

interface EntryView {
  oid: string;
  subject: string;
  href: string;
  authorName: string;
  committedAt: number;
  isMerge: boolean;
  thenHref: string;
  /** What the file was called, where that was something else. */
  formerName: string | undefined;
}

function entryView(
  entry: HistoryEntry,
  shown: { base: string; place: Place; kind: EntryKind | undefined },
): EntryView {
  const { base, place, kind } = shown;
  return {
    oid: entry.oid,
    subject: visibleName(entry.subject) || '(no message)',
    href: `${base}/commit/${entry.oid}`,
    authorName: visibleName(entry.authorName) || '(nobody)',
    committedAt: entry.committedAt,
    isMerge: entry.parents.length > 1,
    thenHref: thenHref(base, { oid: entry.oid, path: entry.path, kind }),
    formerName: entry.path === place.path ? undefined : visibleName(showPath(entry.path)),
  };
}

function thenHref(base: string, then: { oid: string; path: GitPath; kind: EntryKind | undefined }): string {
  if (then.path === '') return `${base}/tree/${then.oid}`;
  const verb = then.kind === 'folder' ? 'tree' : 'blob';
  return `${base}/${verb}/${then.oid}/${encodePath(then.path)}`;
}

function byDay(entries: readonly EntryView[]): { day: string; entries: EntryView[] }[] {
  const days: { day: string; entries: EntryView[] }[] = [];
  for (const entry of entries) {
    const day = iso(entry.committedAt).slice(0, -14);
    const last = days.at(-1);
    if (last?.day === day) last.entries.push(entry);
    else days.push({ day, entries: [entry] });
  }
  return days;
}
