// What a reviewer need not look at twice, as API: the marks of viewed files, and what changed since an earlier revision.
import { Router } from 'express';
import { getRevision } from '../branches/find.ts';
import type { Forge } from '../forge/open.ts';
import { pathOf } from '../repos/file-view.ts';
import { apiRoute, apiRow } from '../web/api-route.ts';
import { orderOf, writeOrderOf } from './guard.ts';
import { revisionQuery } from './model.ts';
import { rangeOf } from './range.ts';
import { diffFileViewOf } from './route-reading.ts';
import { changedSince, type Since } from './since.ts';
import {
  sinceQuery,
  sinceView,
  viewedAnswer,
  viewedRequest,
  viewedView,
  type SinceView,
} from './viewed-model.ts';
import { filesOf, markViewed, viewedOf } from './viewed.ts';

const branch = '/api/v1/repos/:owner/:repo/branches/:number';

const table = {
  viewed: apiRow({
    method: 'get',
    path: `${branch}/viewed`,
    summary: 'List the files of a revision, and which of them you have viewed',
    description: 'A mark is kept by what the branch does to the file: one that is only rebased stays viewed.',
    right: 'read',
    query: revisionQuery,
    answer: viewedView,
  }),
  mark: apiRow({
    method: 'put',
    path: `${branch}/viewed`,
    summary: 'Mark a file as viewed, or take the mark back',
    right: 'read',
    scope: 'write',
    body: viewedRequest,
    answer: viewedAnswer,
  }),
  since: apiRow({
    method: 'get',
    path: `${branch}/since`,
    summary: 'Show what changed since your last review, or since an earlier revision',
    description: 'What a rebase brought from the target is left out; each file says what became of it.',
    right: 'read',
    query: sinceQuery,
    answer: sinceView,
  }),
};

export function viewedApi(forge: Forge): Router {
  const router = Router();
  apiRoute(router, table.viewed, async (request, response, sent) => {
    const order = orderOf(forge, { request, response });
    const wanted = sent.query().revision ?? order.branch.revision;
    const revision = getRevision(forge, order.branch.id, wanted);
    const place = { ...order, revision };
    const { paths, total } = await viewedOf(forge, place);
    const files = (await filesOf(forge, place)).map((file) => ({
      path: pathOf(file),
      viewed: paths.has(pathOf(file)),
    }));
    response.json({ revision: revision.number, head: revision.headOid, viewed: paths.size, total, files });
  });
  apiRoute(router, table.mark, async (request, response, sent) => {
    const order = writeOrderOf(forge, { request, response });
    const { path, viewed: isViewed, head } = sent.body();
    const { paths, total } = await markViewed(forge, { ...order, path, isViewed, head });
    response.json({ path, isViewed, viewed: paths.size, total });
  });
  apiRoute(router, table.since, async (request, response, sent) => {
    const order = orderOf(forge, { request, response });
    const range = rangeOf(forge, order, sent.query());
    response.json(sinceViewOf(await changedSince(forge, { ...order, ...range })));
  });
  return router;
}

function sinceViewOf({ from, to, diff, labels, conflicts, isRebased }: Since): SinceView {
  const changed = new Map(diff.files.map((file) => [pathOf(file), file]));
  return {
    since: from.number,
    revision: to.number,
    head: to.headOid,
    rebased: isRebased,
    truncated: diff.truncated,
    files: [...labels].map(([path, label]) => {
      const file = changed.get(path);
      return {
        path,
        label,
        conflict: conflicts.has(path),
        diff: file === undefined ? null : diffFileViewOf(file),
      };
    }),
  };
}
