// The page that finds files by their names and lines by their text.
import { Router } from 'express';
import { z } from 'zod';
import { callerOf } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import { rootPath, showPath, type GitPath } from '../git/git-path.ts';
import { ForgeError } from '../lib/errors.ts';
import { fullName } from '../repos/model.ts';
import { rightOn } from '../repos/rights.ts';
import { visible, visibleName } from '../web/filters.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import { findPlace, routeBelow, type Exchange, type Place } from './place.ts';
import { isKnown } from './route-etag.ts';
import { placeLinks } from './route-folder.ts';
import { crumbsOf } from './crumbs-view.ts';
import { searchContent, type ContentQuery, type FoundLines } from './search-content.ts';
import { searchNames } from './search-names.ts';

const box = z.enum(['0', '1']).default('0');
export const searchQuery = z.object({
  q: z.string().max(1000).default(''),
  in: z.enum(['content', 'names']).default('content'),
  regex: box,
  case: box,
  part: z.literal('results').optional(),
});
export type SearchParameters = z.output<typeof searchQuery>;

export const shownNames = 100;

export function searchPages(forge: Forge): Router {
  const router = Router();
  router.get(routeBelow('search'), (request, response) => showSearch(forge, { request, response }));
  return router;
}

export const contentQueryOf = (query: SearchParameters): ContentQuery => ({
  text: query.q,
  isRegex: query.regex === '1',
  matchesCase: query.case === '1',
});

async function showSearch(forge: Forge, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  const place = await findPlace(forge, exchange, { under: 'search' });
  if (place === undefined) {
    response.redirect(302, `/${String(request.params['owner'])}/${String(request.params['repo'])}`);
    return;
  }
  const query = parse(searchQuery, request.query);
  if (isKnown(forge, exchange, { repo: place.repo, key: JSON.stringify([place.commit, query]) })) return;
  const results = await resultsOf(forge, place, query);
  if (query.part === 'results') {
    render(response, 'browse/_found.njk', results);
    return;
  }
  const { repo, ref } = place;
  if (results['problem'] !== undefined) response.status(400);
  render(response, 'browse/search.njk', {
    repo,
    base: `/${fullName(repo)}`,
    right: rightOn(forge, callerOf(response), repo),
    ref,
    place: placeLinks(place),
    crumbs: crumbsOf(place, 'tree'),
    here: place.url('search'),
    folder: visibleName(showPath(place.path)),
    everywhere: place.url('search', rootPath),
    ...results,
  });
}

async function resultsOf(
  forge: Forge,
  place: Place,
  query: SearchParameters,
): Promise<Record<string, unknown>> {
  const common = { query, here: place.url('search') };
  if (query.in === 'names') {
    const found = await searchNames(forge, place, { text: query.q, limit: shownNames });
    const names = found.paths.map((path) => nameView(place, path));
    return { ...common, names, matching: found.matching, total: found.total, isWhole: found.isWhole };
  }
  if (query.q === '') return common;
  try {
    const found = await searchContent(forge, place, contentQueryOf(query));
    return { ...common, ...contentView(forge, place, { found, query }) };
  } catch (error) {
    // What was asked for stays in the form, with what is wrong about it.
    if (!(error instanceof ForgeError) || error.code !== 'invalid') throw error;
    return { ...common, problem: error.message };
  }
}

function nameView(place: Place, path: GitPath): Record<string, string> {
  const shown = visibleName(showPath(path));
  const cut = shown.lastIndexOf('/') + 1;
  return { folder: shown.slice(0, cut), name: shown.slice(cut), href: place.url('blob', path) };
}

function contentView(
  forge: Forge,
  place: Place,
  { found, query }: { found: FoundLines; query: SearchParameters },
): Record<string, unknown> {
  const { maxSearchFiles, maxSearchLinesPerFile, readSeconds } = forge.config.limits;
  const ends = {
    whole: undefined,
    enough: `More files have it than the ${maxSearchFiles} shown; look for something rarer, or in one folder.`,
    bytes: 'There is more of it than can be shown; look for something rarer, or in one folder.',
    time: `The search was stopped after ${readSeconds} s; look in one folder, or for the text as it stands.`,
  };
  return {
    files: found.files.map((file) => ({
      ...nameView(place, file.path),
      lines: file.lines.map(({ number, text }) => ({ number, parts: markMatches(text, query) })),
      // As many as git was asked for: there may be more.
      isCut: file.lines.length >= maxSearchLinesPerFile,
    })),
    lineCount: found.files.reduce((sum, file) => sum + file.lines.length, 0),
    note: ends[found.end],
  };
}

/** A line cut where the text that was looked for begins and ends; of a regular expression nothing is marked. */
function markMatches(line: string, query: SearchParameters): { text: string; isMatch: boolean }[] {
  if (query.regex === '1') return [{ text: visible(line), isMatch: false }];
  const fold = (text: string) => (query.case === '1' ? text : text.toLowerCase());
  const [where, what] = [fold(line), fold(query.q)];
  // Some letters change their length with their case; then the places would not fit.
  if (where.length !== line.length || what === '') return [{ text: visible(line), isMatch: false }];
  const parts: { text: string; isMatch: boolean }[] = [];
  let from = 0;
  for (let at = where.indexOf(what); at >= 0; at = where.indexOf(what, from)) {
    if (at > from) parts.push({ text: visible(line.slice(from, at)), isMatch: false });
    parts.push({ text: visible(line.slice(at, at + what.length)), isMatch: true });
    from = at + what.length;
  }
  return [...parts, { text: visible(line.slice(from)), isMatch: false }];
}
