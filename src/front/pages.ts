// Home, repository and branch pages.
import { Router } from 'express';
import { z } from 'zod';
import { callerOf } from '../accounts/guard.ts';
import { branchStates } from '../branches/model.ts';
import { runStates } from '../ci/model.ts';
import type { Forge } from '../forge/open.ts';
import { readBranch } from '../inbox/dismiss.ts';
import { inboxBar } from '../inbox/panel-view.ts';
import { ForgeError } from '../lib/errors.ts';
import type { Slots } from '../lib/slot.ts';
import { repoOf } from '../repos/guard.ts';
import { rightOn } from '../repos/rights.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import { headData, tabCounts, tabData, tabs, type BranchPlace } from './branch.ts';
import { homeData } from './home.ts';
import { landingsPages } from './landings.ts';
import { branchOfRoute, type Exchange } from './place.ts';
import { branchListData, mirrorsData, repositoryData } from './repository.ts';
import { readPlace, type CommentPlace } from './talk.ts';
import { chosenStep } from './tutorial.ts';
import { mergePages } from './route-merge.ts';

const listQuery = z.object({
  state: z.enum(branchStates).default('open'),
  before: z.coerce.number().int().positive().optional(),
  fragment: z.enum(['list', 'start', 'mirrors']).optional(),
  /** Part of a title or a name, an author, and the state of the newest run. */
  q: z.string().trim().max(200).default(''),
  author: z.string().trim().max(64).default(''),
  ci: z.enum([...runStates, 'none', '']).default(''),
});
const revisionNumber = z.coerce.number().int().min(1).max(1_000_000);
const branchQuery = z.object({
  tab: z.enum(tabs).default('tutorial'),
  fragment: z.enum(['head', 'tab', 'tabs', 'form', 'step', 'drawer']).optional(),
  /** Where in the code a comment is being written. */
  comment: z.string().max(8192).optional(),
  /** Steps of the tutorial: one alone, and how the reader wants them from now on. */
  step: z.coerce.number().int().min(1).max(1_000_000).optional(),
  steps: z.enum(['one', 'all']).optional(),
  /** The first file to show of the step that is read alone, counted from 0. */
  from: z.coerce.number().int().min(0).max(1_000_000).optional(),
  shown: z.coerce.number().int().min(1).max(100_000).optional(),
  /** The revisions to read against each other; `base` is what the branch stands on. */
  since: z.union([z.enum(['base', 'review']), revisionNumber]).optional(),
  revision: revisionNumber.optional(),
  /** `review`: the reader goes through the inbox. */
  inbox: z.string().max(20).optional(),
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
  // What people and their notes call the tab.
  router.get('/:owner/:repo/branches/:number/ci', (request, response) => {
    const { repo, branch } = branchOfRoute(forge, { request, response }, 'read');
    response.redirect(302, `/${repo.owner}/${repo.name}/branches/${branch.number}?tab=ci`);
  });
  router.use(mergePages(forge, mergeSlots));
  router.use(landingsPages(forge));
  return router;
}

async function showRepository(forge: Forge, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  const repo = repoOf(forge, exchange, 'read');
  const { state, before, fragment, ...filter } = parse(listQuery, request.query);
  const query = { state, beforeId: before, filter };
  if (fragment === 'list') {
    render(response, 'front/_branch_list.njk', branchListData(forge, repo, query));
    return;
  }
  if (fragment === 'mirrors') {
    const data = mirrorsData(forge, repo, rightOn(forge, callerOf(response), repo));
    render(response, 'front/_mirrors.njk', data);
    return;
  }
  const template = fragment === 'start' ? 'front/_start.njk' : 'front/repository.njk';
  render(response, template, await repositoryData(forge, { repo, response, query }));
}

async function showBranch(forge: Forge, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  const { repo, branch } = branchOfRoute(forge, exchange, 'read');
  const { tab, fragment, comment, shown, from, inbox, since, revision, ...asked } = parse(
    branchQuery,
    request.query,
  );
  const form = comment === undefined ? undefined : placeOf(comment);
  const range = { since: since === 'base' ? undefined : since, revision };
  // What the script of the page asks for later comes with its colours.
  const patienceMs = fragment === undefined ? 25 : undefined;
  const place = {
    repo,
    branch,
    response,
    shown,
    form,
    range,
    from,
    patienceMs,
    only: chosenStep(exchange, asked),
  };
  const wants = (part: typeof fragment) => fragment === undefined || fragment === part;
  const head = wants('head') ? await headData(forge, place) : {};
  const counts = wants('tabs') || fragment === 'drawer' ? await tabCounts(forge, place) : {};
  const needsTab = wants('tab') || fragment === 'form' || fragment === 'step';
  const content = needsTab ? await tabData(forge, place, tab) : {};
  const beside = fragment === 'drawer' ? await tabData(forge, place, 'discussion') : {};
  const tabTemplate = 'commenting' in content ? 'reviews/_commenting.njk' : `front/_tab_${tab}.njk`;
  const templates = {
    head: 'front/_branch_head.njk',
    tabs: 'front/_tabs.njk',
    form: 'unreadable' in content ? 'front/_unreadable.njk' : 'reviews/_comment_form.njk',
    step: 'tutorials/_step_files.njk',
    drawer: 'front/_drawer.njk',
    tab: 'unreadable' in content ? 'front/_unreadable.njk' : tabTemplate,
    none: 'front/branch.njk',
  };
  const bar = fragment === undefined ? openFromInbox(forge, place, inbox === 'review') : undefined;
  // Who has come from the inbox goes on from there, also when a verdict has taken the branch out of it.
  const inReview = bar !== undefined || inbox === 'review';
  const base = `/${repo.owner}/${repo.name}/branches/${branch.number}`;
  const data = {
    repo,
    branch,
    base,
    tab,
    shown,
    tabTemplate,
    bar,
    inReview,
    ...head,
    ...counts,
    ...content,
    ...beside,
  };
  render(response, templates[fragment ?? 'none'], data);
}

/** Whoever opens the page has read what the inbox says of the branch; the bar leads on to the next one. */
function openFromInbox(forge: Forge, { branch, response }: BranchPlace, isReview: boolean): unknown {
  const caller = callerOf(response);
  const bar = inboxBar(forge, caller, branch);
  readBranch(forge, { caller, branchId: branch.id });
  return isReview || bar.position > 0 ? bar : undefined;
}

function placeOf(comment: string): CommentPlace {
  const place = readPlace(comment);
  if (place !== undefined) return place;
  throw new ForgeError('invalid', 'comment: a place is written as PATH:new:12, PATH:old:10-12 or PATH:file.');
}
