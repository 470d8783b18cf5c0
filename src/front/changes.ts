// The Changes tab: the difference of a revision, and its further files as they are reached.
import { Router } from 'express';
import { z } from 'zod';
import { getRevision } from '../branches/find.ts';
import type { Branch, Revision } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import { viewChanges, viewFilesFrom, type ChangesView, type ShownDiff } from '../repos/changes-view.ts';
import { diffBetween } from '../repos/diff-between.ts';
import type { Repo } from '../repos/model.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import { branchOfRoute } from './place.ts';

const diffQuery = z.object({
  revision: z.coerce.number().int().positive(),
  from: z.coerce.number().int().min(0).default(0),
});

export interface ChangesPlace {
  repo: Repo;
  branch: Branch;
  revision: Revision;
}

/** The tree and the first files of a revision's difference. */
export async function changesData(
  forge: Forge,
  place: ChangesPlace,
): Promise<ChangesView & { noBase: boolean }> {
  const changes = await viewChanges(forge, await shownDiff(forge, place));
  return { ...changes, noBase: place.revision.baseOid === undefined };
}

export function changesPages(forge: Forge): Router {
  const router = Router();
  router.get('/:owner/:repo/branches/:number/diff', async (request, response) => {
    const { repo, branch } = branchOfRoute(forge, { request, response }, 'read');
    const { revision: number, from } = parse(diffQuery, request.query);
    const place = { repo, branch, revision: getRevision(forge, branch.id, number) };
    const files = await viewFilesFrom(forge, { ...(await shownDiff(forge, place)), from });
    // The script of the page asks for the files alone; without it, the link is followed to a page of its own.
    const isNavigation = request.get('sec-fetch-mode') === 'navigate';
    response.vary('Sec-Fetch-Mode');
    const base = `/${repo.owner}/${repo.name}/branches/${branch.number}`;
    const template = isNavigation ? 'front/files.njk' : '_changed_files.njk';
    render(response, template, { repo, branch, base, changes: files });
  });
  return router;
}

async function shownDiff(forge: Forge, { repo, branch, revision }: ChangesPlace): Promise<ShownDiff> {
  const { baseOid, headOid } = revision;
  const base = `/${repo.owner}/${repo.name}/branches/${branch.number}`;
  return {
    repoId: repo.id,
    diff: await diffBetween(forge, { repoId: repo.id, baseOid, headOid }),
    filesBase: `/${repo.owner}/${repo.name}/blob/${headOid}/`,
    moreHref: (from) => `${base}/diff?revision=${revision.number}&from=${from}`,
  };
}
