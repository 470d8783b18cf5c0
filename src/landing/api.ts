import { Router, type Request, type Response } from 'express';
import { callerOf } from '../accounts/guard.ts';
import { findBranch, getBranch } from '../branches/find.ts';
import type { Branch } from '../branches/model.ts';
import { branchViewOf } from '../branches/view.ts';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import type { Slots } from '../lib/slot.ts';
import { repoOf } from '../repos/guard.ts';
import { fullName, type Repo, type Right } from '../repos/model.ts';
import { parse } from '../web/parse.ts';
import { closeBranch, reopenBranch } from './close.ts';
import { mergeBranch } from './merge.ts';
import { branchQuery, mergeRequest, waitQuery, type BranchListView } from './model.ts';
import { branchStatus } from './status.ts';
import { listBranchIds } from './store.ts';
import { waitForBranch } from './wait.ts';

const branches = '/api/v1/repos/:owner/:repo/branches';

/** Branches and what ends them. */
export function landingApi(forge: Forge, slots: Slots): Router {
  const router = Router();
  const ask = (request: Request, response: Response, right: Right) => {
    const repo = repoOf(forge, { request, response }, right);
    return { repo, branch: branchOf(forge, repo, request.params['number']), caller: callerOf(response) };
  };

  router.get(branches, (request, response) => {
    const repo = repoOf(forge, { request, response }, 'read');
    response.json(listMatching(forge, repo, request.query));
  });

  router.get(`${branches}/:number`, async (request, response) => {
    response.json(await branchStatus(forge, ask(request, response, 'read')));
  });

  router.get(`${branches}/:number/wait`, async (request, response) => {
    const question = ask(request, response, 'read');
    const query = parse(waitQuery, request.query);
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const answer = await waitForBranch(forge, {
      ...question,
      commit: query.commit,
      goal: query.for,
      timeoutSeconds: query.timeout,
      seen: query.seen,
      signal: gone.signal,
    });
    if (!gone.signal.aborted) response.set('Cache-Control', 'no-store').json(answer);
  });

  router.post(`${branches}/:number/merge`, async (request, response) => {
    const question = ask(request, response, 'write');
    const { head, message } = parse(mergeRequest, request.body);
    response.json(await mergeBranch(forge, { ...question, expectedHead: head, message, slots }));
  });

  router.post(`${branches}/:number/close`, async (request, response) => {
    const question = ask(request, response, 'write');
    const branch = await closeBranch(forge, { ...question, slots });
    response.json(branchViewOf(forge, question.repo, branch));
  });

  router.post(`${branches}/:number/reopen`, async (request, response) => {
    const question = ask(request, response, 'write');
    const branch = await reopenBranch(forge, { ...question, slots });
    response.json(branchViewOf(forge, question.repo, branch));
  });

  return router;
}

function branchOf(forge: Forge, repo: Repo, given: unknown): Branch {
  const number = typeof given === 'string' && /^[0-9]{1,9}$/.test(given) ? Number(given) : 0;
  const branch = findBranch(forge, repo.id, number);
  if (branch !== undefined) return branch;
  throw new ForgeError('not_found', `There is no branch #${String(given)} in ${fullName(repo)}.`);
}

function listMatching(forge: Forge, repo: Repo, given: unknown): BranchListView {
  const query = parse(branchQuery, given);
  const limit = forge.config.limits.maxRowsPerPage;
  const ids = listBranchIds(forge, {
    repoId: repo.id,
    state: query.state ?? null,
    name: query.name ?? null,
    head: query.head ?? null,
    beforeNumber: query.before ?? null,
    limit: limit + 1,
  });
  const views = ids.slice(0, limit).map((id) => branchViewOf(forge, repo, getBranch(forge, id)));
  return { branches: views, next: ids.length > limit ? (views.at(-1)?.number ?? null) : null };
}
