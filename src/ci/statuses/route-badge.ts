// `/owner/repo/badge.svg?branch=&lane=`: what a README shows. Nobody learns from it that a private repository exists.
import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { callerOf } from '../../accounts/guard.ts';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { findRepo } from '../../repos/find.ts';
import { branchName, type Repo } from '../../repos/model.ts';
import { rightOn } from '../../repos/rights.ts';
import { parse } from '../../web/parse.ts';
import { badgeState } from './badge-state.ts';
import { badgeStateOf, badgeSvg } from './badge-view.ts';

const badgeQuery = z.object({
  branch: branchName.optional(),
  lane: z.string().min(1).max(200).optional(),
});

export function badgeRoutes(forge: Forge): Router {
  const router = Router();
  router.get('/:owner/:repo/badge.svg', (request, response) => sendBadge(forge, request, response));
  return router;
}

async function sendBadge(forge: Forge, request: Request, response: Response): Promise<void> {
  const repo = visibleRepo(forge, request, response);
  const { branch, lane } = parse(badgeQuery, request.query);
  const state = badgeStateOf(await badgeState(forge, repo, { branch, lane }));
  const svg = badgeSvg(lane ?? branch ?? 'ci', state);
  // Proxies of README pages keep what they may; half a minute is what a green badge may be late.
  const cache = repo.visibility === 'public' ? 'public, max-age=30' : 'private, no-cache';
  response.set({ 'Cache-Control': cache, 'X-Content-Type-Options': 'nosniff' });
  response.type('image/svg+xml').send(svg);
}

/** A page asks who may not see it to sign in; an image can only be there or not. */
function visibleRepo(forge: Forge, request: Request, response: Response): Repo {
  const { owner, repo: name } = request.params;
  const repo = findRepo(forge, String(owner), String(name));
  if (repo !== undefined && rightOn(forge, callerOf(response), repo) !== 'none') return repo;
  throw new ForgeError('not_found', `There is no badge of ${String(owner)}/${String(name)}.`);
}
