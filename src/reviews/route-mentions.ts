// Whom a comment can name, while a name is being typed.
import { Router } from 'express';
import { z } from 'zod';
import { listAccounts } from '../accounts/find.ts';
import type { Forge } from '../forge/open.ts';
import { apiRoute, apiRow } from '../web/api-route.ts';
import { writeOrderOf } from './guard.ts';
import { mayBeTold } from './mentions.ts';

const maxNames = 8;

const row = apiRow({
  method: 'get',
  path: '/api/v1/repos/:owner/:repo/branches/:number/mentions',
  summary: 'List whom a comment on a branch can name, by how their name begins',
  description: `At most ${maxNames}, and only who may read the repository.`,
  right: 'read',
  scope: 'write',
  query: z.object({ begins: z.string().max(40).default('') }),
  answer: z.object({ names: z.array(z.string()) }),
});

export function mentionsApi(forge: Forge): Router {
  const router = Router();
  apiRoute(router, row, (request, response, sent) => {
    const { repo, caller } = writeOrderOf(forge, { request, response });
    const begins = sent.query().begins.toLowerCase();
    const names = listAccounts(forge)
      .filter(({ id, name }) => id !== caller.account?.id && name.toLowerCase().startsWith(begins))
      .filter((account) => mayBeTold(forge, repo, account))
      .map(({ name }) => name);
    response.json({ names: names.slice(0, maxNames) });
  });
  return router;
}
