// Home, repository and branch pages.
import { Router } from 'express';
import { z } from 'zod';
import { branchStates } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import type { Slots } from '../lib/slot.ts';
import { repoOf } from '../repos/guard.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import { headData, tabData, tabs } from './branch.ts';
import { homeData } from './home.ts';
import { landingsPages } from './landings.ts';
import { branchOfRoute, type Exchange } from './place.ts';
import { branchListData, repositoryData } from './repository.ts';
import { mergePages } from './route-merge.ts';

const listQuery = z.object({
  state: z.enum(branchStates).default('open'),
  before: z.coerce.number().int().positive().optional(),
  fragment: z.enum(['list', 'start']).optional(),
});
const branchQuery = z.object({
  tab: z.enum(tabs).default('tutorial'),
  fragment: z.enum(['head', 'tab']).optional(),
});

export function frontPages(forge: Forge, mergeSlots: Slots): Router {
  const router = Router();
  router.get('/', (request, response) => {
    const template = request.query['fragment'] === 'list' ? 'front/_home.njk' : 'front/home.njk';
    render(response, template, homeData(forge, response));
  });
  router.get('/:owner/:repo', (request, response) => showRepository(forge, { request, response }));
  router.get('/:owner/:repo/branches/:number', (request, response) =>
    showBranch(forge, { request, response }),
  );
  router.use(mergePages(forge, mergeSlots));
  router.use(landingsPages(forge));
  return router;
}

async function showRepository(forge: Forge, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  const repo = repoOf(forge, exchange, 'read');
  const { state, before, fragment } = parse(listQuery, request.query);
  const query = { state, beforeId: before };
  if (fragment === 'list') {
    render(response, 'front/_branch_list.njk', branchListData(forge, repo, query));
    return;
  }
  const template = fragment === 'start' ? 'front/_start.njk' : 'front/repository.njk';
  render(response, template, await repositoryData(forge, { repo, response, query }));
}

async function showBranch(forge: Forge, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  const place = { ...branchOfRoute(forge, exchange, 'read'), response };
  const { tab, fragment } = parse(branchQuery, request.query);
  const head = fragment === 'tab' ? {} : await headData(forge, place);
  const content = fragment === 'head' ? {} : await tabData(forge, place, tab);
  const base = `/${place.repo.owner}/${place.repo.name}/branches/${place.branch.number}`;
  const templates = {
    head: 'front/_branch_head.njk',
    tab: 'unreadable' in content ? 'front/_unreadable.njk' : `front/_tab_${tab}.njk`,
    none: 'front/branch.njk',
  };
  render(response, templates[fragment ?? 'none'], {
    ...place,
    response: undefined,
    base,
    tab,
    ...head,
    ...content,
  });
}
