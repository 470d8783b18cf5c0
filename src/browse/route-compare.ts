// The page that lays two points of a history side by side, and the form that chooses them.
import { Router } from 'express';
import { z } from 'zod';
import { callerOf } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import { encodePath, pathOfText } from '../git/git-path.ts';
import { partAddress, partQuery, viewChanges, viewFilesFrom, type ShownDiff } from '../repos/changes-view.ts';
import { repoOf } from '../repos/guard.ts';
import { fullName, type Repo } from '../repos/model.ts';
import { rightOn } from '../repos/rights.ts';
import { visibleName } from '../web/filters.ts';
import { diffChoiceOf } from '../web/diff-choice.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import { diffInTurn, first } from './commit-page.ts';
import { comparePoints, findPoints, parseSpec, type Comparison, type Dots, type Points } from './compare.ts';
import { listedRefs } from './listed-refs.ts';
import { routeBelow, type Exchange } from './place.ts';
import { isKnown } from './route-etag.ts';

const chosen = partQuery.extend({
  base: z.string().max(500).optional(),
  head: z.string().max(500).optional(),
  dots: z.enum(['..', '...']).default('...'),
  /** The files alone. */
  part: z.literal('files').optional(),
});

export function comparePages(forge: Forge): Router {
  const router = Router();
  router.get(routeBelow('compare'), (request, response) => showComparison(forge, { request, response }));
  return router;
}

/** What follows `/compare/` in an address, as it was sent. */
export function specOf(path: string): string {
  return /\/compare\/(.*)$/s.exec(path)?.[1] ?? '';
}

async function showComparison(forge: Forge, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  const repo = repoOf(forge, exchange, 'read');
  const query = parse(chosen, request.query);
  const base = `/${fullName(repo)}`;
  const spec = specOf(request.path);
  if (query.base !== undefined || query.head !== undefined) {
    const [from, to] = [query.base ?? '', query.head ?? ''].map((name) =>
      encodePath(pathOfText(name.trim())),
    );
    response.redirect(303, `${base}/compare/${from}${query.dots}${to}`);
    return;
  }
  const common = { repo, base, right: rightOn(forge, callerOf(response), repo) };
  if (spec === '') {
    const names = await listedRefs(forge, repo);
    render(response, 'browse/compare.njk', { ...common, names, from: repo.defaultBranch, dots: '...' });
    return;
  }
  const points = await findPoints(forge, repo, toSpec(spec));
  const isPart = query.part === 'files' || query.from > 0;
  const isNavigation = request.get('sec-fetch-mode') === 'navigate';
  response.vary('Sec-Fetch-Mode');
  // The names that the form offers may be those of before; what is typed counts.
  if (isKnown(forge, exchange, { repo, key: `${points.base.commit} ${points.head.commit}` })) return;
  const [comparison, names] = await Promise.all([
    comparePoints(forge, points),
    isPart ? [] : listedRefs(forge, repo),
  ]);
  const shown = await shownDiff(forge, repo, {
    comparison,
    ignoresSpace: diffChoiceOf(response)?.ignoresSpace,
  });
  const view = { ...common, names, ...comparisonView(comparison) };
  if (isPart) {
    const changes = await viewFilesFrom(forge, {
      ...shown,
      from: query.from,
      until: query.until,
      at: query.at,
    });
    render(response, isNavigation ? 'browse/compare_more.njk' : '_changed_files.njk', { ...view, changes });
    return;
  }
  const changes = await viewChanges(forge, shown);
  if (changes.isWaiting) response.removeHeader('ETag');
  render(response, 'browse/compare.njk', { ...view, changes });
}

/** `<a>...<b>`; one name alone is laid beside the default branch. */
export function toSpec(address: string): { base: string; dots: Dots; head: string } {
  return parseSpec(address) ?? { base: '', dots: '...', head: address };
}

async function shownDiff(
  forge: Forge,
  repo: Repo,
  { comparison, ignoresSpace }: { comparison: Comparison; ignoresSpace: boolean | undefined },
): Promise<ShownDiff> {
  const ends = { repoId: repo.id, baseOid: comparison.from, headOid: comparison.head.commit, ignoresSpace };
  const href = hrefOf(repo, comparison, comparison.dots);
  return {
    repoId: repo.id,
    diff: await diffInTurn(forge, ends),
    ignoresSpace: ends.ignoresSpace,
    first,
    filesBase: `/${fullName(repo)}/blob/${comparison.head.commit}/`,
    rawBases: {
      old: comparison.from && `/${fullName(repo)}/raw/${comparison.from}/`,
      new: `/${fullName(repo)}/raw/${comparison.head.commit}/`,
    },
    moreHref: (from, until) =>
      `${href}?part=files&${partAddress(from, until)}${ends.ignoresSpace === true ? '&w=1' : ''}`,
  };
}

const hrefOf = (repo: Repo, { base, head }: Omit<Points, 'dots'>, dots: Dots): string =>
  `/${fullName(repo)}/compare/${base.ref.encoded}${dots}${head.ref.encoded}`;

function comparisonView(comparison: Comparison): Record<string, unknown> {
  const { base, head, dots, log } = comparison;
  const { repo } = base;
  return {
    from: base.ref.name,
    to: head.ref.name,
    dots,
    fromCommit: base.commit,
    toCommit: head.commit,
    isSame: base.commit === head.commit,
    isUnrelated: comparison.mergeBase === undefined,
    isContained: comparison.mergeBase === head.commit,
    mergeBase: comparison.mergeBase,
    otherDotsHref: hrefOf(repo, comparison, dots === '..' ? '...' : '..'),
    swapHref: hrefOf(repo, { base: head, head: base }, dots),
    href: hrefOf(repo, comparison, dots),
    timedOut: log.timedOut,
    hasMore: log.hasMore,
    commits: log.commits.map((entry) => ({
      oid: entry.oid,
      subject: visibleName(entry.subject) || '(no message)',
      authorName: visibleName(entry.authorName) || '(nobody)',
      committedAt: entry.committedAt,
      href: `/${fullName(repo)}/commit/${entry.oid}`,
    })),
  };
}
