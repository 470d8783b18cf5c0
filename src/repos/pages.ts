// The settings of a repository as a page. A form that is refused comes back with what was typed and the reason beside it.
import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { callerOf } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { statusByCode } from '../lib/statuses.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import { changeSettings } from './change-settings.ts';
import { maintainedRepo } from './guard.ts';
import { mergeMethods, repoChanges, visibilities, type Repo } from './model.ts';
import { addProtection, removeProtection } from './protect.ts';
import { listProtected } from './protected.ts';
import { patternProblem } from './ref-pattern.ts';
import { deployKeyPages } from './route-deploy-keys.ts';
import { memberPages } from './route-members.ts';
import { retentionPages } from './route-retention.ts';
import { branchChoices, settingsOf, type SettingsForm } from './settings-view.ts';

interface Exchange {
  request: Request;
  response: Response;
}

const base = '/:owner/:repo/settings';
const checked = z.literal('on').optional();
const generalForm = z.object({
  description: z.string(),
  visibility: z.enum(visibilities),
  defaultBranch: z.string(),
  mergeMethod: z.enum(mergeMethods),
  takesNotes: checked,
});
const nameForm = z.object({ name: z.string() });
const patternForm = z.object({ pattern: z.string() });
const pageQuery = z.object({
  saved: z.enum(['general', 'protected', 'name']).optional(),
});

export function reposPages(forge: Forge): Router {
  const router = Router();
  router.use(memberPages(forge), retentionPages(forge));
  router.use(deployKeyPages(forge));
  router.get(base, (request, response) => {
    const { saved } = parse(pageQuery, request.query);
    return show(forge, { request, response }, { saved });
  });
  // Looks, and changes nothing; by POST, because what is typed is in the form that protects.
  router.post(`${base}/protected/look`, (request, response) => {
    maintainedRepo(forge, { request, response });
    const pattern = parse(patternForm, request.body).pattern.trim();
    const problem = patternProblem(pattern);
    const refused = problem === undefined ? {} : { protected: `"${pattern}" is no pattern: ${problem}.` };
    if (problem !== undefined) response.status(statusByCode.invalid);
    return show(forge, { request, response }, { pattern, refused });
  });
  const form = (path: string, part: keyof SettingsForm['refused'], change: Change) => {
    router.post(path, (request, response) => submit(forge, { request, response }, { part, change }));
  };
  form(base, 'general', changeGeneral);
  form(`${base}/name`, 'name', changeName);
  form(`${base}/protected`, 'protected', (forge_, { repo, request, caller }) => {
    const { pattern } = parse(patternForm, request.body);
    addProtection(forge_, { repo, caller, pattern: pattern.trim() });
    return repo;
  });
  form(`${base}/protected/remove`, 'protected', (forge_, { repo, request, caller }) => {
    removeProtection(forge_, { repo, caller, ...parse(patternForm, request.body) });
    return repo;
  });
  return router;
}

type Change = (
  forge: Forge,
  asked: { repo: Repo; request: Request; caller: ReturnType<typeof callerOf> },
) => Repo | Promise<Repo>;

function changeGeneral(...[forge, { repo, request, caller }]: Parameters<Change>): Promise<Repo> {
  const { takesNotes, ...rest } = parse(generalForm, request.body);
  const given = { ...rest, description: rest.description.trim(), defaultBranch: rest.defaultBranch.trim() };
  const changes = parse(repoChanges, { ...given, takesNotes: takesNotes === 'on' });
  return changeSettings(forge, { repo, caller, changes });
}

function changeName(...[forge, { repo, request, caller }]: Parameters<Change>): Promise<Repo> {
  const { name } = parse(nameForm, request.body);
  return changeSettings(forge, { repo, caller, changes: { name: name.trim() } });
}

async function submit(
  forge: Forge,
  exchange: Exchange,
  { part, change }: { part: keyof SettingsForm['refused']; change: Change },
): Promise<void> {
  const { request, response } = exchange;
  const repo = maintainedRepo(forge, exchange);
  try {
    const { owner, name } = await change(forge, { repo, request, caller: callerOf(response) });
    response.redirect(303, `/${owner}/${name}/settings?saved=${part}#${part}`);
  } catch (error) {
    if (!(error instanceof ForgeError)) throw error;
    response.status(statusByCode[error.code]);
    await show(forge, exchange, { refused: { [part]: error.message }, typed: request.body as unknown });
  }
}

async function show(
  forge: Forge,
  exchange: Exchange,
  form: Partial<SettingsForm> & { pattern?: string | undefined },
): Promise<void> {
  const repo = maintainedRepo(forge, exchange);
  const isPattern = form.pattern !== undefined && patternProblem(form.pattern) === undefined;
  const [{ patterns, also }, branches] = await Promise.all([
    listProtected(forge, repo, isPattern ? form.pattern : undefined),
    branchChoices(forge, repo),
  ]);
  exchange.response.setHeader('Cache-Control', 'no-store');
  render(exchange.response, 'repos/settings.njk', {
    ...settingsOf(repo, { refused: {}, ...form }),
    patterns,
    tried: also,
    branches,
  });
}
