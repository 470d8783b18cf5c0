// Folders and files, refs and search as JSON. Names are text for people, and `path` beside them is percent-encoded, so
// that every name that git can hold is told exactly.
import { Router, type Request } from 'express';
import type { Forge } from '../forge/open.ts';
import { encodePath, joinPath, showPath, type GitPath } from '../git/git-path.ts';
import { ForgeError } from '../lib/errors.ts';
import { repoOf } from '../repos/guard.ts';
import { fullName } from '../repos/model.ts';
import { parse } from '../web/parse.ts';
import { readFileOf } from './blob.ts';
import { folderChanges } from './folder-changes.ts';
import { apiPrefix, placeOfRoute, routeBelow, type Exchange, type Place } from './place.ts';
import { folderQuery } from './route-folder.ts';
import { refsOf } from './route-refs.ts';
import { contentQueryOf, searchQuery, shownNames } from './route-search.ts';
import { searchContent } from './search-content.ts';
import { searchNames } from './search-names.ts';
import { entryAt, listFolder } from './tree.ts';

export function filesApi(forge: Forge): Router {
  const router = Router();
  const answer = (under: string, make: (place: Place, exchange: Exchange) => Promise<object>) => {
    router.get(routeBelow(under, apiPrefix), async (request, response) => {
      const place = await placeOfRoute(forge, { request, response }, { under });
      response.json({ ...head(place), ...(await make(place, { request, response })) });
    });
  };
  answer('tree', (place, { request }) => folderView(forge, place, request));
  answer('blob', (place) => fileView(forge, place));
  answer('search', (place, exchange) => searchView(forge, place, exchange));
  router.get(`${apiPrefix}/:owner/:repo/refs`, async (request, response) => {
    const repo = repoOf(forge, { request, response }, 'read');
    const page = await refsOf(forge, repo, request);
    response.json({
      ...page,
      refs: page.refs.map(({ commit, ...ref }) => ({ ...ref, commit: commit ?? null })),
    });
  });
  return router;
}

const head = (place: Place): object => ({
  ref: { kind: place.ref.kind, name: place.ref.name },
  commit: place.commit,
  path: encodePath(place.path),
});

const named = (path: GitPath): object => ({ name: showPath(path), path: encodePath(path) });

async function folderView(forge: Forge, place: Place, request: Request): Promise<object> {
  const query = parse(folderQuery, request.query);
  const entry = await entryAt(forge, place);
  if (entry.kind !== 'folder') {
    throw new ForgeError(
      'invalid',
      `${showPath(place.path)} in ${fullName(place.repo)} is a ${entry.kind}; ask for it under /blob.`,
    );
  }
  const part = await listFolder(forge, place, { oid: entry.oid, from: query.from });
  const known = query.with === 'commits' ? await folderChanges(forge, place, part) : undefined;
  return {
    oid: entry.oid,
    from: part.from,
    total: part.total,
    entries: part.entries.map(({ name, size, target, ...each }) => ({
      name: showPath(name),
      path: encodePath(joinPath(place.path, name)),
      ...each,
      size: size ?? null,
      target: target ?? null,
      ...(known && { lastChange: known.changes.get(name) ?? null }),
    })),
    ...(known && { hasAllChanges: known.isWhole }),
  };
}

/** A file's text stands in `text`; what is none, or too large, is to be fetched from `rawUrl`. */
async function fileView(forge: Forge, place: Place): Promise<object> {
  const { kind, mode, oid } = await entryAt(forge, place);
  if (kind === 'folder') {
    throw new ForgeError(
      'invalid',
      `${showPath(place.path) || 'The top'} is a folder; ask for it under /tree.`,
    );
  }
  if (kind === 'submodule') return { kind, mode, oid };
  const { size, content } = await readFileOf(forge, place.repo.id, oid);
  const rawUrl = `${apiPrefix}${place.url('raw')}`;
  const shown = { kind, mode, oid, size, rawUrl, content: content.kind };
  if (content.kind === 'lfs') return { ...shown, lfs: content.pointer };
  return content.kind === 'text' ? { ...shown, encoding: content.encoding, text: content.text } : shown;
}

async function searchView(forge: Forge, place: Place, { request }: Exchange): Promise<object> {
  const query = parse(searchQuery, request.query);
  if (query.in === 'names') {
    const { paths, ...counts } = await searchNames(forge, place, { text: query.q, limit: shownNames });
    return { ...counts, files: paths.map(named) };
  }
  const { files, end } = await searchContent(forge, place, contentQueryOf(query));
  return { end, files: files.map(({ path, lines }) => ({ ...named(path), lines })) };
}
