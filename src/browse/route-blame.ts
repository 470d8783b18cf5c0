// The page that says of every line of a file which commit it comes from.
import { Router } from 'express';
import { z } from 'zod';
import { callerOf } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import type { BlameCommit, BlameSpan } from '../git/blame.ts';
import { encodePath, nameOf, rootPath, showPath } from '../git/git-path.ts';
import { fullName } from '../repos/model.ts';
import { rightOn } from '../repos/rights.ts';
import { blameRows, type BlamedCommit } from '../web/blame-rows.ts';
import { visibleName } from '../web/filters.ts';
import { highlightFile } from '../web/highlight.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import { blameFile, type BlamedLines } from './blame.ts';
import { crumbsOf } from './crumbs-view.ts';
import { findPlace, routeBelow, type Exchange, type Place } from './place.ts';
import { isKnown } from './route-etag.ts';

const day = 86_400_000;

export const blameQuery = z.object({
  /** The first line, counted from 1. */
  from: z.coerce.number().int().min(1).max(100_000_000).default(1),
  /** `all`: the commits that the repository asks to pass over count too. */
  ignore: z.enum(['listed', 'none']).default('listed'),
});

export function blamePages(forge: Forge): Router {
  const router = Router();
  router.get(routeBelow('blame'), (request, response) => showBlame(forge, { request, response }));
  return router;
}

async function showBlame(forge: Forge, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  const place = await findPlace(forge, exchange, { under: 'blame' });
  const base = `/${String(request.params['owner'])}/${String(request.params['repo'])}`;
  if (place === undefined || place.path === '') {
    response.redirect(302, place?.url('tree') ?? base);
    return;
  }
  const query = parse(blameQuery, request.query);
  const { repo } = place;
  const isNavigation = request.get('sec-fetch-mode') === 'navigate';
  response.vary('Sec-Fetch-Mode');
  const right = rightOn(forge, callerOf(response), repo);
  if (isKnown(forge, exchange, { repo, key: place.commit })) return;
  const withIgnored = query.ignore === 'listed';
  const blamed = await blameFile(forge, place, { from: query.from, withIgnored });
  const href = place.url('blame');
  const others = withIgnored ? '' : '&ignore=none';
  const part = blamed.kind === 'lines' ? blamed.part : undefined;
  const left = part === undefined ? 0 : part.lines.length - part.to;
  const isPart = query.from > 1 && !isNavigation;
  if (part?.blame.timedOut === true) response.removeHeader('ETag');
  render(response, isPart ? 'browse/_blame_lines.njk' : 'browse/blame.njk', {
    repo,
    base: `/${fullName(repo)}`,
    right,
    ref: place.ref,
    name: visibleName(showPath(nameOf(place.path))),
    rootHref: place.url('tree', rootPath),
    crumbs: crumbsOf(place, 'tree'),
    blobHref: place.url('blob'),
    historyHref: place.url('commits'),
    reason: blamed.kind === 'none' ? blamed.reason : undefined,
    firstLine: part?.from,
    lastLine: part?.to,
    lineCount: part?.lines.length,
    ignored: part?.ignored,
    allHref: `${href}?ignore=none`,
    listedHref: href,
    isListed: withIgnored,
    timedOut: part?.blame.timedOut,
    readSeconds: forge.config.limits.readSeconds,
    rows: part && (await rowsOf(part, place, forge.clock.now())),
    left,
    moreHref: left > 0 ? `${href}?from=${(part?.to ?? 0) + 1}${others}` : undefined,
  });
}

async function rowsOf(part: BlamedLines, place: Place, now: number): Promise<string> {
  const path = showPath(place.path);
  const colours = await highlightFile({ oid: part.oid, path, text: part.text });
  const spans = withGaps(part).map((span) => {
    const commit = part.blame.commits.get(span.oid);
    return {
      line: span.line,
      lines: span.lines,
      commit: commit && commitView(commit, { span, place, now }),
    };
  });
  return blameRows(part.lines, { spans, colours });
}

/** The spans of every line from first to last; those between that git did not tell of have no commit. */
function withGaps({ blame, from, to }: BlamedLines): BlameSpan[] {
  const spans: BlameSpan[] = [];
  let next = from;
  const fill = (until: number) => {
    if (until > next) spans.push({ oid: '', line: next, originalLine: next, lines: until - next });
  };
  for (const span of blame.spans) {
    // What git tells is trusted only where it is about the lines that were asked for, once.
    if (span.line < next || span.line + span.lines - 1 > to) continue;
    fill(span.line);
    const last = spans.at(-1);
    if (last !== undefined && last.oid === span.oid && last.line + last.lines === span.line) {
      last.lines += span.lines;
    } else spans.push({ ...span });
    next = span.line + span.lines;
  }
  fill(to + 1);
  return spans;
}

function commitView(
  commit: BlameCommit,
  shown: { span: BlameSpan; place: Place; now: number },
): BlamedCommit {
  const { span, place, now } = shown;
  const base = `/${fullName(place.repo)}`;
  const age = (now - commit.authoredAt) / day;
  const { previous } = commit;
  return {
    oid: commit.oid,
    href: `${base}/commit/${commit.oid}`,
    subject: visibleName(commit.subject) || '(no message)',
    authorName: visibleName(commit.authorName) || '(nobody)',
    authoredAt: commit.authoredAt,
    // A week, a month, a quarter, a year, older.
    age: [7, 30, 90, 365].filter((days) => age > days).length,
    beforeHref:
      previous && `${base}/blame/${previous.commit}/${encodePath(previous.path)}#L${span.originalLine}`,
  };
}
