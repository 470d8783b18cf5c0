// Folders and files, refs and search as JSON. Names are text for people, and `path` beside them is percent-encoded, so
// that every name that git can hold is told exactly.
import { Router } from 'express';
import type { z } from 'zod';
import type { Forge } from '../forge/open.ts';
import { encodePath, joinPath, showPath, type GitPath } from '../git/git-path.ts';
import { ForgeError } from '../lib/errors.ts';
import { repoOf } from '../repos/guard.ts';
import { fullName } from '../repos/model.ts';
import { apiRoute, apiRow } from '../web/api-route.ts';
import { iso } from '../web/filters.ts';
import { readFileOf } from './blob.ts';
import { folderChanges } from './folder-changes.ts';
import type { LastChange } from '../git/last-changes.ts';
import {
  fileView,
  folderView,
  refListView,
  searchView,
  type FileView,
  type FolderView,
  type SearchView,
} from './model.ts';
import { apiPrefix, placeNote, placeOfRoute, routeBelow, type Place } from './place.ts';
import { folderQuery } from './route-folder.ts';
import { refQuery, refsOf } from './route-refs.ts';
import { contentQueryOf, searchQuery, shownNames, type SearchParameters } from './route-search.ts';
import { searchContent } from './search-content.ts';
import { searchNames } from './search-names.ts';
import { entryAt, listFolder } from './tree.ts';

const below = (under: string) => ({
  path: `${apiPrefix}/:owner/:repo/${under}/*place` as const,
  at: routeBelow(under, apiPrefix),
});

const table = {
  tree: apiRow({
    method: 'get',
    ...below('tree'),
    summary: 'List a folder',
    description: `${placeNote} Ask again with \`from\` behind the last entry until \`total\` is reached.`,
    right: 'read',
    query: folderQuery,
    answer: folderView,
  }),
  blob: apiRow({
    method: 'get',
    ...below('blob'),
    summary: 'Read a file',
    description: placeNote,
    right: 'read',
    answer: fileView,
  }),
  search: apiRow({
    method: 'get',
    ...below('search'),
    summary: 'Search the files of a branch, tag or commit',
    description: placeNote,
    right: 'read',
    query: searchQuery,
    answer: searchView,
  }),
  refs: apiRow({
    method: 'get',
    path: `${apiPrefix}/:owner/:repo/refs`,
    summary: 'List the branches or the tags of a repository, as git has them',
    right: 'read',
    query: refQuery,
    answer: refListView,
  }),
};

export function filesApi(forge: Forge): Router {
  const router = Router();
  apiRoute(router, table.tree, async (request, response, sent) => {
    const place = await placeOfRoute(forge, { request, response }, { under: 'tree' });
    response.json(await folderViewOf(forge, place, sent.query()));
  });
  apiRoute(router, table.blob, async (request, response) => {
    const place = await placeOfRoute(forge, { request, response }, { under: 'blob' });
    response.json(await fileViewOf(forge, place));
  });
  apiRoute(router, table.search, async (request, response, sent) => {
    const place = await placeOfRoute(forge, { request, response }, { under: 'search' });
    response.json(await searchViewOf(forge, place, sent.query()));
  });
  apiRoute(router, table.refs, async (request, response) => {
    const repo = repoOf(forge, { request, response }, 'read');
    const { refs, ...page } = await refsOf(forge, repo, request);
    response.json({
      ...page,
      refs: refs.map(({ commit, ...ref }) => ({
        ...ref,
        commit: commit === undefined ? null : { ...commit, authoredAt: iso(commit.authoredAt) },
      })),
    });
  });
  return router;
}

const head = (place: Place) => ({
  ref: { kind: place.ref.kind, name: place.ref.name },
  commit: place.commit,
  path: encodePath(place.path),
});

const named = (path: GitPath) => ({ name: showPath(path), path: encodePath(path) });

async function folderViewOf(
  forge: Forge,
  place: Place,
  query: z.output<typeof folderQuery>,
): Promise<FolderView> {
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
    ...head(place),
    oid: entry.oid,
    from: part.from,
    total: part.total,
    entries: part.entries.map(({ name, size, target, ...each }) => ({
      name: showPath(name),
      path: encodePath(joinPath(place.path, name)),
      ...each,
      size: size ?? null,
      target: target ?? null,
      ...(known && { lastChange: lastChangeOf(known.changes.get(name)) }),
    })),
    ...(known && { hasAllChanges: known.isWhole }),
  };
}

const lastChangeOf = (change: LastChange | undefined) =>
  change === undefined ? null : { ...change, authoredAt: iso(change.authoredAt) };

/** A file's text stands in `text`; what is none, or too large, is to be fetched from `rawUrl`. */
async function fileViewOf(forge: Forge, place: Place): Promise<FileView> {
  const { kind, mode, oid } = await entryAt(forge, place);
  if (kind === 'folder') {
    throw new ForgeError(
      'invalid',
      `${showPath(place.path) || 'The top'} is a folder; ask for it under /tree.`,
    );
  }
  const about = { ...head(place), kind, mode, oid };
  if (kind === 'submodule') return about;
  const { size, content } = await readFileOf(forge, place.repo.id, oid);
  const rawUrl = `${apiPrefix}${place.url('raw')}`;
  const shown = { ...about, size, rawUrl, content: content.kind };
  if (content.kind === 'lfs') return { ...shown, lfs: content.pointer };
  return content.kind === 'text' ? { ...shown, encoding: content.encoding, text: content.text } : shown;
}

async function searchViewOf(forge: Forge, place: Place, query: SearchParameters): Promise<SearchView> {
  if (query.in === 'names') {
    const { paths, ...counts } = await searchNames(forge, place, { text: query.q, limit: shownNames });
    return { ...head(place), ...counts, files: paths.map(named) };
  }
  const { files, end } = await searchContent(forge, place, contentQueryOf(query));
  return { ...head(place), end, files: files.map(({ path, lines }) => ({ ...named(path), lines })) };
}
