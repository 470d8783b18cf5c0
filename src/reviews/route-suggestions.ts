// Applying suggestions, as API and as the form of a page.
import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import type { Branch } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import { apiRoute, apiRow } from '../web/api-route.ts';
import { parse } from '../web/parse.ts';
import { applySuggestions } from './apply-suggestions.ts';
import { requireVoice, type ReviewOrder } from './author.ts';
import { orderOf } from './guard.ts';
import { applyRequest, appliedView } from './suggestion-model.ts';

const apply = apiRow({
  method: 'post',
  path: '/api/v1/repos/:owner/:repo/branches/:number/suggestions/apply',
  summary: 'Apply suggestions as one commit on the branch',
  description: 'All of them or none: each must be about lines of the new file that are still as they were.',
  right: 'write',
  body: applyRequest,
  answer: appliedView,
});

function committerOrder(forge: Forge, exchange: { request: Request; response: Response }): ReviewOrder {
  const order = orderOf(forge, exchange);
  requireVoice(forge, order, 'write');
  return order;
}

export function suggestionsApi(forge: Forge): Router {
  const router = Router();
  apiRoute(router, apply, async (request, response, sent) => {
    const order = committerOrder(forge, { request, response });
    const body = sent.body();
    const moved = await applySuggestions(forge, { ...order, request: body });
    response.json({ ...newHead(moved), applied: body.suggestions.length });
  });
  return router;
}

const newHead = ({ headOid, revision }: Branch): { head: string; revision: number } => ({
  head: headOid,
  revision,
});

const applyForm = z.object({
  /** What the page offered, each as COMMENT.NUMBER.DIGEST. */
  suggestion: z.preprocess(
    (value) => (typeof value === 'string' ? [value] : value),
    z.array(z.string().regex(/^\d{1,12}\.\d{1,4}\.[0-9a-f]{64}$/, 'choose one of those on the page'), {
      error: 'choose at least one',
    }),
  ),
  head: applyRequest.shape.head,
  back: z.enum(['discussion', 'changes', 'tutorial']).default('discussion'),
});

export function suggestionsPages(forge: Forge): Router {
  const router = Router();
  router.post('/:owner/:repo/branches/:number/suggestions/apply', async (request, response) => {
    const order = committerOrder(forge, { request, response });
    const { suggestion, head, back } = parse(applyForm, request.body);
    const suggestions = suggestion.map((text) => {
      const [comment, number, digest] = text.split('.');
      return { comment: Number(comment), number: Number(number), digest };
    });
    await applySuggestions(forge, { ...order, request: parse(applyRequest, { suggestions, head }) });
    const { repo, branch } = order;
    response.redirect(303, `/${repo.owner}/${repo.name}/branches/${branch.number}?tab=${back}`);
  });
  return router;
}
