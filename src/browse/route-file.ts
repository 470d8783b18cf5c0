// The page of one file: its text with colours and lines to link to, its image, or why it is not shown.
import { Router } from 'express';
import { z } from 'zod';
import { callerOf } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import { folderOf, joinPath, nameOf, pathOfText, rootPath, showPath, type GitPath } from '../git/git-path.ts';
import type { TreeEntry } from '../git/tree.ts';
import { hasLfsObject } from '../lfs/find.ts';
import type { Pointer } from '../lfs/model.ts';
import { fullName } from '../repos/model.ts';
import { rightOn } from '../repos/rights.ts';
import { visibleName } from '../web/filters.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import { readFileOf, type ShownFile } from './blob.ts';
import { contextQuery, contextView } from './context-view.ts';
import { crumbsOf } from './crumbs-view.ts';
import { documentAt, isMarkdown, sourceRows } from './document-view.ts';
import { placeOfRoute, routeBelow, type Exchange, type Place } from './place.ts';
import { isKnown } from './route-etag.ts';
import { placeLinks } from './route-folder.ts';
import { entryAt } from './tree.ts';

const fileQuery = z.object({
  view: z.enum(['source', 'rendered']).optional(),
  /** The lines alone, with their colours however long those take. */
  part: z.literal('lines').optional(),
  ...contextQuery.shape,
});

// A page does not wait longer for colours; its script fetches them.
const patienceMs = 25;

export function blobPages(forge: Forge): Router {
  const router = Router();
  router.get(routeBelow('blob'), (request, response) => showFile(forge, { request, response }));
  return router;
}

async function showFile(forge: Forge, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  const place = await placeOfRoute(forge, exchange, { under: 'blob' });
  const query = parse(fileQuery, request.query);
  const { repo } = place;
  if (isKnown(forge, exchange, { repo, key: `${place.commit} ${query.view} ${query.part}` })) return;
  const entry = await entryAt(forge, place);
  if (entry.kind === 'folder') {
    response.redirect(302, place.url('tree'));
    return;
  }
  if (query.context !== undefined) {
    render(response, '_context.njk', { ...(await contextView(forge, place, { entry, query })) });
    return;
  }
  const content = await contentData(forge, place, { entry, ...query });
  // Another answer follows from the same commit, as soon as there are colours.
  if (content.isFinal === false) response.removeHeader('ETag');
  if (query.part === 'lines') {
    render(response, 'browse/_lines.njk', content);
    return;
  }
  const name = visibleName(showPath(nameOf(place.path)));
  const permanent = `/${fullName(repo)}/blob/${place.commit}${place.url('blob').slice(place.url('blob', rootPath).length)}`;
  render(response, 'browse/file.njk', {
    repo,
    base: `/${fullName(repo)}`,
    right: rightOn(forge, callerOf(response), repo),
    ref: place.ref,
    place: placeLinks(place),
    crumbs: crumbsOf(place, 'tree'),
    name,
    href: place.url('blob'),
    permanent,
    kind: entry.kind,
    isExecutable: entry.mode === '100755',
    linesHref: `${place.url('blob')}?view=source&part=lines`,
    ...content,
  });
}

async function contentData(
  forge: Forge,
  place: Place,
  wanted: { entry: Omit<TreeEntry, 'name'> } & Pick<z.output<typeof fileQuery>, 'view' | 'part'>,
): Promise<Record<string, unknown> & { isFinal?: boolean }> {
  const { oid, kind } = wanted.entry;
  if (kind === 'submodule') return { oid };
  const file = await readFileOf(forge, place.repo.id, oid);
  const shown = { oid, size: file.size, content: file.content.kind };
  if (kind === 'symlink') return { ...shown, ...linkData(place, file) };
  if (file.content.kind === 'large') return { ...shown, ...largeData(forge, place, file.size) };
  if (file.content.kind === 'lfs') return { ...shown, ...largeFileData(forge, place, file.content.pointer) };
  if (file.content.kind !== 'text') return { ...shown, imageHref: place.url('raw') };
  const { text, encoding } = file.content;
  const hasSource = isMarkdown(place.path);
  const notes = { ...shown, encoding, hasSource, isSvg: /\.svg$/i.test(place.path) };
  const source = { path: place.path, oid, text };
  if (hasSource && wanted.view !== 'source') {
    const { html, isFinal } = await documentAt(place, source);
    return { ...notes, document: html, isFinal };
  }
  const rows = await sourceRows(source, wanted.part === 'lines' ? undefined : patienceMs);
  return { ...notes, rows, isFinal: rows.isFinal };
}

/** What Git LFS keeps for a file; `lfsHref` when this repository was given it. */
function largeFileData(forge: Forge, place: Place, pointer: Pointer): Record<string, unknown> {
  const isHere = hasLfsObject(forge, { repoId: place.repo.id, oid: pointer.oid });
  const lfsHref = isHere ? `${place.url('raw')}?lfs=1` : undefined;
  const isImage = isHere && isImageName(place.path) && pointer.size <= forge.config.limits.maxShownImageBytes;
  return { pointer, lfsHref, imageHref: isImage ? lfsHref : undefined };
}

const isImageName = (path: GitPath): boolean => /\.(?:png|jpe?g|gif|webp|avif|bmp|ico)$/i.test(path);

/** An image is shown up to a size of its own: the browser has the work, and the forge only sends it. */
function largeData(forge: Forge, place: Place, size: number): Record<string, unknown> {
  const { maxShownFileBytes, maxShownImageBytes } = forge.config.limits;
  const mayBeImage = isImageName(place.path) && size <= maxShownImageBytes;
  return mayBeImage ? { content: 'image', imageHref: place.url('raw') } : { maxBytes: maxShownFileBytes };
}

function linkData(place: Place, { content }: ShownFile): Record<string, unknown> {
  const text = content.kind === 'text' ? content.text : '';
  const target = targetWithin(place.path, pathOfText(text));
  return {
    target: visibleName(text),
    targetHref: target === undefined ? undefined : place.url('blob', target),
  };
}

/** Where a symbolic link leads inside the repository; undefined when it leads out of it, or to nowhere. */
function targetWithin(link: GitPath, target: GitPath): GitPath | undefined {
  if (target === '' || target.startsWith('/')) return undefined;
  const names = folderOf(link) === rootPath ? [] : folderOf(link).split('/');
  for (const name of target.split('/')) {
    if (name === '' || name === '.') continue;
    if (name !== '..') names.push(name);
    else if (names.pop() === undefined) return undefined;
  }
  return joinPath(...(names as GitPath[]));
}
