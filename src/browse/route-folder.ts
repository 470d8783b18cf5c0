// The page of a folder, and the part of it that needs the history and is loaded after the rest.
import { callerOf } from '../accounts/guard.ts';
import { Router } from 'express';
import { z } from 'zod';
import type { Forge } from '../forge/open.ts';
import { encodePath, folderOf, joinPath, nameOf, rootPath, showPath } from '../git/git-path.ts';
import { commitSummary } from '../git/objects.ts';
import type { TreeEntry } from '../git/tree.ts';
import { fullName } from '../repos/model.ts';
import { repoPath } from '../repos/path.ts';
import { rightOn } from '../repos/rights.ts';
import { visibleName } from '../web/filters.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import { readFileOf } from './blob.ts';
import { crumbsOf } from './crumbs-view.ts';
import { documentAt, isMarkdown, type Document } from './document-view.ts';
import { folderChanges, type FolderChanges } from './folder-changes.ts';
import { findPlace, routeBelow, type Exchange, type Place } from './place.ts';
import { isKnown } from './route-etag.ts';
import { entryAt, listFolder, type FolderPart } from './tree.ts';

export const folderQuery = z.object({
  /** `commits` adds the last commit of every entry; `part=entries` answers the list alone. */
  with: z.literal('commits').optional(),
  part: z.literal('entries').optional(),
  from: z.coerce.number().int().min(0).max(10_000_000).default(0),
});

export function folderPages(forge: Forge): Router {
  const router = Router();
  router.get(routeBelow('tree'), (request, response) => showFolder(forge, { request, response }));
  return router;
}

async function showFolder(forge: Forge, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  const place = await findPlace(forge, exchange, { under: 'tree' });
  if (place === undefined) {
    response.redirect(302, `/${String(request.params['owner'])}/${String(request.params['repo'])}`);
    return;
  }
  const query = parse(folderQuery, request.query);
  const key = place.commit;
  if (isKnown(forge, exchange, { repo: place.repo, key })) return;
  const entry = await entryAt(forge, place);
  if (entry.kind !== 'folder') {
    response.redirect(302, place.url('blob'));
    return;
  }
  const folder = await listFolder(forge, place, { oid: entry.oid, from: query.from });
  const changes = query.with === 'commits' ? await folderChanges(forge, place, folder) : undefined;
  const list = listData(place, folder, changes);
  if (query.part === 'entries') render(response, 'browse/_entries.njk', list);
  else
    render(response, 'browse/tree.njk', {
      ...list,
      ...(await pageData(forge, exchange, { place, folder })),
    });
}

async function pageData(
  forge: Forge,
  { response }: Exchange,
  { place, folder }: { place: Place; folder: FolderPart },
): Promise<Record<string, unknown>> {
  const { repo, ref, commit } = place;
  const readme = folder.from === 0 ? await readmeOf(forge, place, folder.readme) : undefined;
  // The next reader may get the README as a document.
  if (readme?.isFinal === false) response.removeHeader('ETag');
  return {
    repo,
    base: `/${fullName(repo)}`,
    right: rightOn(forge, callerOf(response), repo),
    ref,
    place: placeLinks(place),
    crumbs: crumbsOf(place, 'tree'),
    name: visibleName(showPath(nameOf(place.path))),
    commit: await commitSummary(forge.git, repoPath(forge, repo.id), commit),
    readme,
  };
}

/** Where the other pages of a place are. */
export const placeLinks = (place: Place): Record<string, string> => ({
  path: encodePath(place.path),
  root: place.url('tree', rootPath),
  tree: place.url('tree'),
  raw: place.url('raw'),
  blame: place.url('blame'),
  commits: place.url('commits'),
  search: place.url('search', rootPath),
  archive: place.url('archive', rootPath),
});

function listData(
  place: Place,
  { entries, from, total }: FolderPart,
  known: FolderChanges | undefined,
): Record<string, unknown> {
  const here = place.url('tree');
  const withCommits = known === undefined ? '' : 'with=commits&';
  const next = from + entries.length;
  const shown = entries.map(({ name, kind, mode, size, target, oid }) => ({
    name: visibleName(showPath(name)),
    kind,
    isExecutable: mode === '100755',
    size,
    oid,
    target: target === undefined ? undefined : visibleName(target),
    href: place.url(kind === 'folder' ? 'tree' : 'blob', joinPath(place.path, name)),
    change: known?.changes.get(name),
  }));
  return {
    base: `/${fullName(place.repo)}`,
    entries: shown,
    hasChanges: known !== undefined,
    isWhole: known?.isWhole,
    changesHref: `${here}?with=commits${from > 0 ? `&from=${from}` : ''}`,
    from,
    next,
    total,
    firstHref: from > 0 ? here : undefined,
    nextHref: next < total && entries.length > 0 ? `${here}?${withCommits}from=${next}` : undefined,
    upHref: place.path === '' ? undefined : place.url('tree', folderOf(place.path)),
  };
}

/** A README that is too large or no text is left out; its own page says more. */
async function readmeOf(
  forge: Forge,
  place: Place,
  entry: TreeEntry | undefined,
): Promise<(Partial<Document> & { name: string; href: string; text: string }) | undefined> {
  if (entry === undefined) return undefined;
  const path = joinPath(place.path, entry.name);
  const { content } = await readFileOf(forge, place.repo.id, entry.oid);
  if (content.kind !== 'text') return undefined;
  const { text } = content;
  return {
    name: visibleName(showPath(entry.name)),
    href: place.url('blob', path),
    text,
    ...(isMarkdown(path) ? await documentAt(place, { path, oid: entry.oid, text }) : {}),
  };
}
