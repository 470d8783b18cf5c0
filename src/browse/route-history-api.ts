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
import { parse } from '../web/parse.ts';
import { blameLines, linesOf, type BlamedLines } from './blame.ts';
import { commitOf, diffInTurn, refsContaining } from './commit-page.ts';
import { comparePoints, findPoints } from './compare.ts';
import { apiPrefix, placeOfRoute, routeBelow, type Exchange } from './place.ts';
import { blameQuery } from './route-blame.ts';
import { commitQuery, parentOf } from './route-commit.ts';
import { specOf, toSpec } from './route-compare.ts';
import { historyOf, historyQuery } from './route-history.ts';

const pageQuery = historyQuery.extend({ limit: z.coerce.number().int().min(1).max(500).default(50) });

export function historyApi(forge: Forge): Router {
  const router = Router();
  router.get(routeBelow('commits', apiPrefix), (request, response) =>
    listHistory(forge, { request, response }),
  );
  router.get(`${apiPrefix}/:owner/:repo/commit/:oid`, (request, response) =>
    tellCommit(forge, { request, response }),
  );
  router.get(`${apiPrefix}/:owner/:repo/commit/:oid/refs`, async (request, response) => {
    const repo = repoOf(forge, { request, response }, 'read');
    const { oid } = await commitOf(forge, repo, request.params.oid);
    // Null says that it could not be found out in the time there is.
    response.json({ contained: (await refsContaining(forge, repo, oid)) ?? null });
  });
  router.get(routeBelow('compare', apiPrefix), (request, response) =>
    tellComparison(forge, { request, response }),
  );
  router.get(routeBelow('blame', apiPrefix), (request, response) => tellBlame(forge, { request, response }));
  return router;
}

async function listHistory(forge: Forge, exchange: Exchange): Promise<void> {
  const place = await placeOfRoute(forge, exchange, { under: 'commits' });
  const { history } = await historyOf(forge, place, parse(pageQuery, exchange.request.query));
  const { next, renamedFrom } = history;
  exchange.response.json({
    ref: { kind: place.ref.kind, name: place.ref.name },
    commit: place.commit,
    path: encodePath(place.path),
    commits: history.commits.map((entry) => ({ ...entryView(entry), path: encodePath(entry.path) })),
    next: next === undefined ? null : { at: next.commit, path: encodePath(next.path), skip: next.skip },
    renamedFrom:
      renamedFrom === undefined ? null : { commit: renamedFrom.commit, path: encodePath(renamedFrom.path) },
    timedOut: history.timedOut,
  });
}

async function tellCommit(forge: Forge, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  const repo = repoOf(forge, exchange, 'read');
  const commit = await commitOf(forge, repo, String(request.params['oid']));
  const { parent } = parse(commitQuery, request.query);
  const baseOid = parentOf(commit, parent);
  const diff = await diffInTurn(forge, { repoId: repo.id, baseOid, headOid: commit.oid });
  response.json({ ...commitView(commit), parent: baseOid ?? null, ...diffView(diff) });
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
    commits: log.commits.map(entryView),
    hasMore: log.hasMore,
    timedOut: log.timedOut,
    ...diffView(diff),
  });
}

async function tellBlame(forge: Forge, exchange: Exchange): Promise<void> {
  const place = await placeOfRoute(forge, exchange, { under: 'blame' });
  const { from, ignore } = parse(blameQuery, exchange.request.query);
  const about = { commit: place.commit, path: encodePath(place.path) };
  const file = await linesOf(forge, place);
  if (file.kind === 'none') {
    exchange.response.json({ ...about, reason: file.reason });
    return;
  }
  const { oid, lines } = file;
  const blamed = await blameLines(forge, place, { lines, from, withIgnored: ignore === 'listed' });
  exchange.response.json({ ...about, oid, lineCount: lines.length, ...blameView(blamed) });
}

function blameView({ blame, from, to, ignored }: BlamedLines): Record<string, unknown> {
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

const entryView = ({ authoredAt, committedAt, ...entry }: LogEntry): Record<string, unknown> => ({
  ...entry,
  authoredAt: iso(authoredAt),
  committedAt: iso(committedAt),
});

function commitView(commit: Commit): Record<string, unknown> {
  const signer = ({ at, ...person }: Signer) => ({ ...person, at: iso(at) });
  const { author, committer, signature, ...rest } = commit;
  return {
    ...rest,
    author: signer(author),
    committer: signer(committer),
    signature: signature ?? null,
  };
}

function diffView({ files, truncated }: Diff): Record<string, unknown> {
  const told = files.map(({ hunks: _hunks, ...file }) => file);
  return { files: told, truncated };
}
