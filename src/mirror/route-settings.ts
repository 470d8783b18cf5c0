// The forms of the settings: a mirror is added, changed, removed. What was refused is shown in the form, with what was typed;
// a token that was typed is not shown again.
import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { callerOf } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { statusByCode } from '../lib/statuses.ts';
import { maintainedRepo } from '../repos/guard.ts';
import { fullName, type Repo } from '../repos/model.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import { defaultPatterns, mirrorChange, mirrorRequest, type MirrorRemote } from './model.ts';
import { addMirror, changeMirror, getMirror, listMirrors, removeMirror } from './set-mirror.ts';
import { shownMirror } from './view.ts';

interface Exchange {
  request: Request;
  response: Response;
}

const base = '/:owner/:repo/settings/mirrors';
const checked = z.literal('on').optional();
const pageQuery = z.object({ saved: z.literal('yes').optional() });
const mirrorForm = z.object({
  name: z.string().default(''),
  url: z.string(),
  patterns: z.string().default(''),
  credential: z.enum(['keep', 'none', 'token', 'key']).default('keep'),
  user: z.string().default(''),
  token: z.string().default(''),
  statuses: z.string().default(''),
  active: checked,
  forgetHostKeys: checked,
});
type MirrorForm = z.output<typeof mirrorForm>;

export function settingsRoutes(forge: Forge, mirrors: { look: () => void }): Router {
  const router = Router();
  router.get(base, (request, response) => showAll(forge, { request, response }));
  router.post(base, async (request, response) => {
    await add(forge, { request, response });
    mirrors.look();
  });
  router.get(`${base}/:mirror`, (request, response) => showOne(forge, { request, response }));
  router.post(`${base}/:mirror`, async (request, response) => {
    await change(forge, { request, response });
    mirrors.look();
  });
  router.post(`${base}/:mirror/remove`, (request, response) => {
    const { repo, name } = placeOf(forge, { request, response });
    removeMirror(forge, { repo, name, caller: callerOf(response) });
    mirrors.look();
    response.redirect(303, `/${fullName(repo)}/settings/mirrors`);
  });
  return router;
}

function placeOf(forge: Forge, exchange: Exchange): { repo: Repo; name: string } {
  const repo = maintainedRepo(forge, exchange);
  exchange.response.setHeader('Cache-Control', 'no-store');
  return { repo, name: String(exchange.request.params['mirror']) };
}

async function add(forge: Forge, exchange: Exchange): Promise<void> {
  const { repo } = placeOf(forge, exchange);
  const { request, response } = exchange;
  await attempt(
    exchange,
    () => {
      const form = parse(mirrorForm, request.body);
      const wanted = { ...valuesOf(form), name: form.name.trim(), credential: credentialOf(form) };
      const caller = callerOf(response);
      const { name } = addMirror(forge, { repo, caller, request: parse(mirrorRequest, wanted) });
      response.redirect(303, `/${fullName(repo)}/settings/mirrors/${encodeURIComponent(name)}?saved=yes`);
    },
    (refused) => showAll(forge, exchange, { refused, typed: request.body }),
  );
}

async function change(forge: Forge, exchange: Exchange): Promise<void> {
  const { repo, name } = placeOf(forge, exchange);
  const { request, response } = exchange;
  await attempt(
    exchange,
    () => {
      const form = parse(mirrorForm, request.body);
      const forgetHostKeys = form.forgetHostKeys === 'on';
      const credential = chosenOf(form) === 'keep' ? {} : { credential: credentialOf(form) };
      const wanted = { ...valuesOf(form), forgetHostKeys, ...credential };
      changeMirror(forge, { repo, name, caller: callerOf(response), change: parse(mirrorChange, wanted) });
      response.redirect(303, `/${fullName(repo)}/settings/mirrors/${encodeURIComponent(name)}?saved=yes`);
    },
    (refused) => showOne(forge, exchange, { refused, typed: request.body }),
  );
}

const valuesOf = ({ url, patterns, statuses, active }: MirrorForm) => ({
  url: url.trim(),
  patterns: patterns.split(/\s+/).filter((pattern) => pattern !== ''),
  statuses: statuses.trim(),
  active: active === 'on',
});

/** Whoever typed a token means it, whatever is chosen beside it. */
const chosenOf = ({ credential, token }: MirrorForm): MirrorForm['credential'] =>
  token.trim() === '' || credential === 'key' ? credential : 'token';

function credentialOf(form: MirrorForm) {
  const { user, token } = form;
  const credential = chosenOf(form);
  if (credential !== 'token') return { kind: credential === 'keep' ? 'none' : credential };
  return { kind: credential, token: token.trim(), ...(user.trim() === '' ? {} : { user: user.trim() }) };
}

async function attempt(
  exchange: Exchange,
  act: () => void,
  refuse: (sentence: string) => Promise<void> | void,
): Promise<void> {
  try {
    act();
  } catch (error) {
    if (!(error instanceof ForgeError) || error.code === 'not_found') throw error;
    exchange.response.status(statusByCode[error.code]);
    await refuse(error.message);
  }
}

/** What the fields of a form show: what was typed and refused, or what is in force. */
interface Shown {
  refused?: string;
  typed?: unknown;
}

function fieldsOf(mirror: MirrorRemote | undefined, typed: unknown) {
  const form = mirrorForm.safeParse(typed).data;
  return {
    name: form?.name ?? '',
    url: form?.url ?? mirror?.url ?? '',
    patterns: form?.patterns ?? (mirror?.patterns ?? defaultPatterns).join('\n'),
    credential: form?.credential ?? (mirror === undefined ? 'none' : 'keep'),
    user: form?.user ?? '',
    statuses: form?.statuses ?? mirror?.statuses ?? '',
    isActive: form === undefined ? (mirror?.isActive ?? true) : form.active === 'on',
  };
}

async function showAll(forge: Forge, exchange: Exchange, { refused, typed }: Shown = {}): Promise<void> {
  const { repo } = placeOf(forge, exchange);
  const mirrors = await Promise.all(listMirrors(forge, repo).map((remote) => shownMirror(forge, remote)));
  render(exchange.response, 'mirror/settings.njk', {
    repo,
    right: 'maintain',
    mirrors,
    fields: fieldsOf(undefined, typed),
    refused,
  });
}

async function showOne(forge: Forge, exchange: Exchange, { refused, typed }: Shown = {}): Promise<void> {
  const { repo, name } = placeOf(forge, exchange);
  const { saved } = parse(pageQuery, exchange.request.query);
  const remote = getMirror(forge, repo, name);
  render(exchange.response, 'mirror/edit.njk', {
    repo,
    right: 'maintain',
    mirror: await shownMirror(forge, remote),
    fields: fieldsOf(remote, typed),
    refused,
    saved: saved === 'yes',
  });
}
