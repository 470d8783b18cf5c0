// The upstream of a repository as a page of its settings: how it does, which is live, and what follows it.
import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { callerOf } from '../../accounts/guard.ts';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { statusByCode } from '../../lib/statuses.ts';
import { maintainedRepo } from '../../repos/guard.ts';
import { fullName } from '../../repos/model.ts';
import { parse } from '../../web/parse.ts';
import { render } from '../../web/render.ts';
import { pullRules, upstreamChange, upstreamRequest, usualPullPatterns, type UpstreamView } from './model.ts';
import type { Pulls } from './open-pulls.ts';
import {
  askPull,
  cancelPull,
  changeUpstream,
  findUpstream,
  removeUpstream,
  setUpstream,
  type UpstreamOrder,
} from './set-upstream.ts';
import { upstreamViewOf } from './view.ts';

interface Exchange {
  request: Request;
  response: Response;
}

const base = '/:owner/:repo/settings/upstream';
const pageQuery = z.object({ fragment: z.literal('state').optional() });
const checked = z.literal('on').optional();
const rulesForm = z.object({
  follows: checked,
  everyMinutes: z.coerce.number('write a number of minutes'),
  patterns: z.string(),
  rewrites: z.enum(pullRules),
  deletions: z.enum(pullRules),
});
const credentialForm = z.object({
  credential: z.enum(['none', 'token', 'key']),
  user: z.string().default(''),
  token: z.string().default(''),
});
const setForm = rulesForm.extend({ url: z.string(), ...credentialForm.shape });
const changeForm = rulesForm.extend({
  credential: z.enum(['as-it-is', 'none', 'token', 'key']),
  user: z.string().default(''),
  token: z.string().default(''),
  forgetHostKeys: checked,
});

export function upstreamPages(forge: Forge, pulls: Pulls): Router {
  const router = Router();
  router.get(base, (request, response) => {
    const { fragment } = parse(pageQuery, request.query);
    show(forge, pulls, { request, response, fragment });
  });
  const form = (path: string, act: (order: UpstreamOrder, request: Request) => unknown): void => {
    router.post(path, (request, response) => submit(forge, pulls, { request, response, act }));
  };
  form(base, (order, request) => {
    const { url, ...rest } = parse(setForm, request.body);
    const given = { url: url.trim(), credential: credentialOf(rest), ...rulesOf(rest) };
    setUpstream(forge, pulls, { ...order, request: parse(upstreamRequest, given) });
  });
  form(`${base}/change`, (order, request) => {
    const { credential, forgetHostKeys, ...rest } = parse(changeForm, request.body);
    const given = {
      ...rulesOf(rest),
      ...(credential === 'as-it-is' ? {} : { credential: credentialOf({ ...rest, credential }) }),
      ...(forgetHostKeys === 'on' ? { forgetHostKeys: true } : {}),
    };
    changeUpstream(forge, pulls, { ...order, change: parse(upstreamChange, given) });
  });
  form(`${base}/pull`, (order) => askPull(forge, pulls, order));
  form(`${base}/cancel`, (order) => cancelPull(forge, pulls, order));
  form(`${base}/remove`, (order) => removeUpstream(forge, pulls, order));
  return router;
}

const rulesOf = ({ follows, everyMinutes, patterns, rewrites, deletions }: z.output<typeof rulesForm>) => ({
  follows: follows === 'on',
  everyMinutes,
  patterns: patterns.split(/\s+/).filter((pattern) => pattern !== ''),
  rewrites,
  deletions,
});

function credentialOf({ credential, user, token }: z.output<typeof credentialForm>) {
  if (credential !== 'token') return { kind: credential };
  return { kind: credential, token: token.trim(), ...(user.trim() === '' ? {} : { user: user.trim() }) };
}

function submit(
  forge: Forge,
  pulls: Pulls,
  { request, response, act }: Exchange & { act: (order: UpstreamOrder, request: Request) => unknown },
): void {
  const repo = maintainedRepo(forge, { request, response });
  try {
    act({ repo, caller: callerOf(response) }, request);
    response.redirect(303, `/${fullName(repo)}/settings/upstream`);
  } catch (error) {
    if (!(error instanceof ForgeError)) throw error;
    response.status(statusByCode[error.code]);
    show(forge, pulls, { request, response, refused: error.message });
  }
}

interface Shown extends Exchange {
  fragment?: 'state' | undefined;
  refused?: string;
}

function show(forge: Forge, pulls: Pulls, { request, response, fragment, refused }: Shown): void {
  const repo = maintainedRepo(forge, { request, response });
  const found = findUpstream(forge, repo);
  const upstream = found && upstreamViewOf(forge, pulls, found);
  response.setHeader('Cache-Control', 'no-store');
  render(response, fragment === undefined ? 'mirror/upstream.njk' : 'mirror/_upstream.njk', {
    repo,
    right: 'maintain',
    upstream: upstream && { ...upstream, mark: marks[upstream.state], ...timesOf(upstream) },
    refused,
    schemes: forge.config.mirror.allowedSchemes,
    fields: fieldsOf(upstream, refused === undefined ? undefined : request.body),
  });
}

/** The class and icon of each state, of those that everything else has too. */
const marks: Record<UpstreamView['state'], string> = {
  pulling: 'running',
  queued: 'queued',
  failing: 'failed',
  partial: 'warning',
  cancelled: 'cancelled',
  'in-step': 'success',
  idle: 'skipped',
};

const timesOf = ({ pulledAt, nextAt, pulls }: UpstreamView) => ({
  pulledAt: pulledAt === null ? undefined : Date.parse(pulledAt),
  nextAt: nextAt === null ? undefined : Date.parse(nextAt),
  pulls: pulls.map(({ startedAt, ...pull }) => ({ ...pull, startedAt: Date.parse(startedAt) })),
});

/** What was typed and refused, or what is in force. The token is not shown again. */
function fieldsOf(upstream: UpstreamView | undefined, body: unknown): Record<string, unknown> {
  const typed = setForm.partial().safeParse(body).data;
  return {
    url: typed?.url ?? '',
    credential: typed?.credential ?? (upstream === undefined ? 'none' : 'as-it-is'),
    user: typed?.user ?? '',
    follows: typed === undefined ? (upstream?.follows ?? true) : typed.follows === 'on',
    everyMinutes: typed?.everyMinutes ?? upstream?.everyMinutes ?? 10,
    patterns: typed?.patterns ?? (upstream?.patterns ?? usualPullPatterns).join('\n'),
    rewrites: typed?.rewrites ?? upstream?.rewrites ?? 'follow',
    deletions: typed?.deletions ?? upstream?.deletions ?? 'keep',
  };
}
