// Histories, commits, comparisons and blames as JSON. Times are RFC 3339; a `path` is percent-encoded, so that every
// name that git can hold is told exactly.
import { Router } from 'express';
import { z } from 'zod';
import type { Forge } from '../forge/open.ts';
import type { Commit, Signer } from '../git/commit.ts';
import type { Diff } from '../git/diff.ts';
import { encodePath } from '../git/git-path.ts';
import type { LogEntry } from '../git/log.ts';
import { repoOf } from '../repos/guard.ts';
import { iso } from '../web/filters.ts';
import { apiRoute, apiRow } from '../web/api-route.ts';
import { blameLines, linesOf, type BlamedLines } from './blame.ts';
import { commitOf, diffInTurn, refsContaining } from './commit-page.ts';
import { comparePoints, findPoints } from './compare.ts';
import type { History } from './history.ts';
import {
  blameView,
  commitView,
  comparisonView,
  containedView,
  historyView,
  type ChangedFilesView,
  type LogEntryView,
} from './model.ts';
import { apiPrefix, placeNote, placeOfRoute, routeBelow, type Exchange, type Place } from './place.ts';
import { blameQuery } from './route-blame.ts';
import { commitQuery, parentOf } from './route-commit.ts';
import { specOf, toSpec } from './route-compare.ts';
import { historyOf, historyQuery } from './route-history.ts';

const pageQuery = historyQuery.extend({ limit: z.coerce.number().int().min(1).max(500).default(50) });

const table = {
  history: apiRow({
    method: 'get',
    path: `${apiPrefix}/:owner/:repo/commits/*place`,
    at: routeBelow('commits', apiPrefix),
    summary: 'List the commits of a branch, tag or path',
    description: `${placeNote} The page behind is asked for with the \`at\`, \`path\` and \`skip\` of \`next\`.`,
    right: 'read',
    query: pageQuery,
    answer: historyView,
  }),
  commit: apiRow({
    method: 'get',
    path: `${apiPrefix}/:owner/:repo/commit/:oid`,
    summary: 'Show a commit with the files that it changes',
    right: 'read',
    query: commitQuery,
    answer: commitView,
  }),
  contained: apiRow({
    method: 'get',
    path: `${apiPrefix}/:owner/:repo/commit/:oid/refs`,
    summary: 'List the branches and tags that contain a commit',
    right: 'read',
    answer: containedView,
  }),
  compare: apiRow({
    method: 'get',
    path: `${apiPrefix}/:owner/:repo/compare/*points`,
    at: routeBelow('compare', apiPrefix),
    summary: 'Compare two branches, tags or commits',
    description: 'What follows is `<base>...<head>`, counted from the merge base, or `<base>..<head>`.',
    right: 'read',
    answer: comparisonView,
  }),
  blame: apiRow({
    method: 'get',
    path: `${apiPrefix}/:owner/:repo/blame/*place`,
    at: routeBelow('blame', apiPrefix),
    summary: 'Tell which commit each line of a file comes from',
    description: `${placeNote} Ask again with \`from\` behind \`to\` until \`lineCount\` is reached.`,
    right: 'read',
    query: blameQuery,
    answer: blameView,
  }),
};

export function historyApi(forge: Forge): Router {
  const router = Router();
  apiRoute(router, table.history, async (request, response, sent) => {
    const place = await placeOfRoute(forge, { request, response }, { under: 'commits' });
    const { history } = await historyOf(forge, place, sent.query());
    response.json(historyViewOf(place, history));
  });
  apiRoute(router, table.commit, async (request, response, sent) => {
    const repo = repoOf(forge, { request, response }, 'read');
    const commit = await commitOf(forge, repo, request.params.oid);
    const baseOid = parentOf(commit, sent.query().parent);
    const diff = await diffInTurn(forge, { repoId: repo.id, baseOid, headOid: commit.oid });
    response.json({ ...commitViewOf(commit), parent: baseOid ?? null, ...diffViewOf(diff) });
  });
  apiRoute(router, table.contained, async (request, response) => {
    const repo = repoOf(forge, { request, response }, 'read');
    const { oid } = await commitOf(forge, repo, request.params.oid);
    response.json({ contained: (await refsContaining(forge, repo, oid)) ?? null });
  });
  apiRoute(router, table.compare, (request, response) => tellComparison(forge, { request, response }));
  apiRoute(router, table.blame, async (request, response, sent) => {
    const place = await placeOfRoute(forge, { request, response }, { under: 'blame' });
    response.json(await blameViewOf(forge, place, sent.query()));
  });
  return router;
}

function historyViewOf(place: Place, history: History): z.input<typeof historyView> {
  const { next, renamedFrom } = history;
  return {
    ref: { kind: place.ref.kind, name: place.ref.name },
    commit: place.commit,
    path: encodePath(place.path),
    commits: history.commits.map((entry) => ({ ...entryViewOf(entry), path: encodePath(entry.path) })),
    next: next === undefined ? null : { at: next.commit, path: encodePath(next.path), skip: next.skip },
    renamedFrom:
      renamedFrom === undefined ? null : { commit: renamedFrom.commit, path: encodePath(renamedFrom.path) },
    timedOut: history.timedOut,
  };
}

async function tellComparison(forge: Forge, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  const repo = repoOf(forge, exchange, 'read');
  const points = await findPoints(forge, repo, toSpec(specOf(request.path)));
  const comparison = await comparePoints(forge, points);
  const { base, head, dots, log, mergeBase, from } = comparison;
  const diff = await diffInTurn(forge, { repoId: repo.id, baseOid: from, headOid: head.commit });
  response.json({
    base: base.commit,
    head: head.commit,
    dots,
    mergeBase: mergeBase ?? null,
    from,
    commits: log.commits.map(entryViewOf),
    hasMore: log.hasMore,
    timedOut: log.timedOut,
    ...diffViewOf(diff),
  } satisfies z.input<typeof comparisonView>);
}

async function blameViewOf(
  forge: Forge,
  place: Place,
  { from, ignore }: z.output<typeof blameQuery>,
): Promise<z.input<typeof blameView>> {
  const about = { commit: place.commit, path: encodePath(place.path) };
  const file = await linesOf(forge, place);
  if (file.kind === 'none') return { ...about, reason: file.reason };
  const { oid, lines } = file;
  const blamed = await blameLines(forge, place, { lines, from, withIgnored: ignore === 'listed' });
  return { ...about, oid, lineCount: lines.length, ...blamedLinesOf(blamed) };
}

function blamedLinesOf({ blame, from, to, ignored }: BlamedLines) {
  return {
    from,
    to,
    ignored,
    timedOut: blame.timedOut,
    spans: blame.spans,
    commits: [...blame.commits.values()].map(({ authoredAt, path, previous, ...commit }) => ({
      ...commit,
      authoredAt: iso(authoredAt),
      path: encodePath(path),
      previous: previous === undefined ? null : { commit: previous.commit, path: encodePath(previous.path) },
    })),
  };
}

const entryViewOf = ({ authoredAt, committedAt, ...entry }: LogEntry): LogEntryView => ({
  ...entry,
  authoredAt: iso(authoredAt),
  committedAt: iso(committedAt),
});

function commitViewOf(commit: Commit) {
  const signer = ({ at, ...person }: Signer) => ({ ...person, at: iso(at) });
  const { author, committer, signature, ...rest } = commit;
  return {
    ...rest,
    author: signer(author),
    committer: signer(committer),
    signature: signature ?? null,
  };
}

function diffViewOf({ files, truncated }: Diff): ChangedFilesView {
  const told = files.map(({ hunks: _hunks, ...file }) => file);
  return { files: told, truncated };
}
