// The page that says of every line of a file which commit it comes from.
import { setTimeout as delay } from 'node:timers/promises';
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
import { blameLines, linesOf, withGaps, type FileLines } from './blame.ts';
import { crumbsOf } from './crumbs-view.ts';
import { findPlace, routeBelow, type Exchange, type Place } from './place.ts';
import { isKnown } from './route-etag.ts';

const day = 86_400_000;
// Longer than this a page does not wait for its colours.
const patienceMs = 15;

export const blameQuery = z.object({
  /** The first line, counted from 1. */
  from: z.coerce.number().int().min(1).max(100_000_000).default(1),
  /** `none`: the commits that the repository asks to pass over count too. */
  ignore: z.enum(['listed', 'none']).default('listed'),
  /** The lines alone. */
  part: z.literal('lines').optional(),
});
type BlameParameters = z.output<typeof blameQuery>;

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
  if (isKnown(forge, exchange, { repo, key: place.commit })) return;
  const file = await linesOf(forge, place);
  const data =
    file.kind === 'lines' ? await linesData(forge, place, { file, query }) : { reason: file.reason };
  // What was not ready in time is asked for again.
  if (data.timedOut === true || data.isWaiting === true) response.removeHeader('ETag');
  const isPart = (query.part === 'lines' || query.from > 1) && !isNavigation;
  render(response, isPart ? 'browse/_blame_lines.njk' : 'browse/blame.njk', {
    repo,
    base: `/${fullName(repo)}`,
    right: rightOn(forge, callerOf(response), repo),
    ref: place.ref,
    name: visibleName(showPath(nameOf(place.path))),
    rootHref: place.url('tree', rootPath),
    crumbs: crumbsOf(place, 'tree'),
    blobHref: place.url('blob'),
    historyHref: place.url('commits'),
    allHref: `${place.url('blame')}?ignore=none`,
    listedHref: place.url('blame'),
    isListed: query.ignore === 'listed',
    readSeconds: forge.config.limits.readSeconds,
    ...data,
  });
}

interface LinesData {
  reason?: string;
  timedOut?: boolean;
  isWaiting?: boolean;
}

/** The lines from the first that is asked for, as many as fit on a page, and where the next ones are. */
async function linesData(
  forge: Forge,
  place: Place,
  asked: { file: FileLines & { kind: 'lines' }; query: BlameParameters },
): Promise<LinesData & Record<string, unknown>> {
  const { file, query } = asked;
  const { from } = query;
  // While git looks into the history, the colours are made.
  const making = highlightFile({ oid: file.oid, path: showPath(place.path), text: file.text });
  const withIgnored = query.ignore === 'listed';
  const blamed = await blameLines(forge, place, { lines: file.lines, from, withIgnored });
  const isPatient = query.part === 'lines' || from > 1;
  const colours = await (isPatient
    ? making
    : Promise.race([making, delay(patienceMs, 'late' as const, { ref: false })]));
  const isWaiting = colours === 'late';
  const spans = withGaps(blamed.blame.spans, blamed).map((span) => {
    const commit = blamed.blame.commits.get(span.oid);
    const shown = commit && commitView(commit, { span, place, now: forge.clock.now() });
    return { line: span.line, lines: span.lines, commit: shown };
  });
  const left = file.lines.length - blamed.to;
  const others = withIgnored ? '' : '&ignore=none';
  const at = (line: number) => `${place.url('blame')}?part=lines&from=${line}${others}`;
  return {
    firstLine: from,
    lastLine: blamed.to,
    ignored: blamed.ignored,
    timedOut: blamed.blame.timedOut,
    isWaiting,
    againHref: at(from),
    rows: blameRows(file.lines, { spans, colours: isWaiting ? undefined : colours }),
    left,
    moreHref: left > 0 ? at(blamed.to + 1) : undefined,
  };
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
