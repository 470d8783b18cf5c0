// The policy in force: what a branch is asked for before it lands, as a page for whoever wonders and as API.
import { Router, type Request, type Response } from 'express';
import { callerOf } from '../../accounts/guard.ts';
import { readObject } from '../../git/object-reader.ts';
import { resolveBranch } from '../../git/refs.ts';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { repoOf } from '../../repos/guard.ts';
import type { Repo } from '../../repos/model.ts';
import { repoPath } from '../../repos/path.ts';
import { rightOn } from '../../repos/rights.ts';
import { apiRoute, apiRow } from '../../web/api-route.ts';
import { parse } from '../../web/parse.ts';
import { render } from '../../web/render.ts';
import { policyRequest, policyView, type PolicyView } from './policy-model.ts';
import { policyPath } from './policy-refusal.ts';
import { readPolicy } from './policy.ts';

const row = apiRow({
  method: 'get',
  path: '/api/v1/repos/:owner/:repo/policy',
  summary: 'Show what a target asks of the branches that land on it',
  description:
    'Read from .pika/policy.toml at the tip of the target, the default branch unless one is named.',
  right: 'read',
  query: policyRequest,
  answer: policyView,
});

export function policyApi(forge: Forge): Router {
  const router = Router();
  apiRoute(router, row, async (request, response, sent) => {
    const repo = repoOf(forge, { request, response }, 'read');
    response.json(await policyOf(forge, repo, sent.query().target));
  });
  return router;
}

export function policyPages(forge: Forge): Router {
  const router = Router();
  router.get('/:owner/:repo/policy', async (request: Request, response: Response) => {
    const repo = repoOf(forge, { request, response }, 'read');
    const { target } = parse(policyRequest, request.query);
    const policy = await policyOf(forge, repo, target);
    render(response, 'landing/policy.njk', { repo, policy, right: rightOn(forge, callerOf(response), repo) });
  });
  return router;
}

async function policyOf(forge: Forge, repo: Repo, target = repo.defaultBranch): Promise<PolicyView> {
  const folder = repoPath(forge, repo.id);
  const commit = await resolveBranch(forge.git, folder, target);
  if (commit === undefined && target !== repo.defaultBranch) {
    throw new ForgeError('not_found', `There is no branch ${target} to land on.`);
  }
  const nothing = { target, path: policyPath, isWritten: false, problem: null, gate: null, landing: null };
  if (commit === undefined) return { ...nothing, commit: null };
  const file = { expression: `${commit}:${policyPath}`, maxBytes: 1 };
  const isWritten = (await readObject(forge.git, folder, file)) !== undefined;
  try {
    const { gate, landing } = await readPolicy(forge, repo, commit);
    const method = landing.method ?? repo.mergeMethod;
    return { ...nothing, commit, isWritten, gate, landing: { ...landing, method } };
  } catch (error) {
    if (!(error instanceof ForgeError) || error.code !== 'invalid') throw error;
    return { ...nothing, commit, isWritten, problem: error.message };
  }
}
