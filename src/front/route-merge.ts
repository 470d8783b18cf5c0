// The page on which a branch is merged otherwise than usual, aimed elsewhere, taken back or had again, and the forms of
// the branch page that end it. Each form calls one verb; a refusal keeps what was typed.
import { Router } from 'express';
import { z } from 'zod';
import { callerOf } from '../accounts/guard.ts';
import { branchOfRoute } from '../branches/guard.ts';
import type { Branch } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import { listHeads } from '../git/refs.ts';
import { closeBranch, reopenBranch } from '../landing/close.ts';
import { mayOverrule } from '../landing/gate/force.ts';
import { askGate } from '../landing/gate/gate.ts';
import { mergeChoices } from '../landing/merge/merge-choices.ts';
import { mergeBranch } from '../landing/merge/merge.ts';
import { mergeRequest, retargetRequest, revertRequest } from '../landing/model.ts';
import { restoreBranch } from '../landing/restore.ts';
import { retargetBranch } from '../landing/retarget.ts';
import { revertBranch } from '../landing/revert.ts';
import { ForgeError } from '../lib/errors.ts';
import type { Slots } from '../lib/slot.ts';
import { includesRight, mergeMethods, type MergeMethod, type Repo, type Right } from '../repos/model.ts';
import { repoPath } from '../repos/path.ts';
import { rightOn } from '../repos/rights.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import type { Exchange } from './place.ts';

const page = '/:owner/:repo/branches/:number';
const maxTargets = 200;

const titles: Record<MergeMethod, { title: string; meaning: string }> = {
  merge: { title: 'Merge commit', meaning: 'every commit of the branch, and one that joins them' },
  squash: { title: 'Squash', meaning: 'one commit with everything, which names all who wrote it' },
  'fast-forward': {
    title: 'Fast-forward',
    meaning: 'the commits as they are, when nothing landed meanwhile',
  },
};

// Lines of a form end with CR LF; those of a message do not.
const text = z
  .string()
  .optional()
  .transform((value) => value?.replaceAll('\r\n', '\n'));

const mergeForm = z.object({
  head: mergeRequest.shape.head,
  method: z.enum(mergeMethods).optional(),
  message: text,
  /** The message that stood in the form when it was shown. */
  usual: text,
  force: z.literal('yes').optional(),
  reason: z.string().default(''),
});
type MergeForm = z.output<typeof mergeForm>;

interface Place {
  repo: Repo;
  branch: Branch;
}

/** What stood in a form that was refused, and why. */
interface Tried {
  refused?: { part: 'merge' | 'target' | 'revert'; sentence: string };
  fields?: Record<string, unknown>;
}

export function mergePages(forge: Forge, slots: Slots): Router {
  const router = Router();
  const placeOf = (exchange: Exchange, right: Right = 'write') => ({
    ...branchOfRoute(forge, exchange, right),
    caller: callerOf(exchange.response),
  });
  const addressOf = ({ repo }: Place, number: number) => `/${repo.owner}/${repo.name}/branches/${number}`;

  router.get(`${page}/merge`, async (request, response) => {
    await showPage(forge, { request, response }, {});
  });
  router.post(`${page}/merge`, async (request, response) => {
    const place = placeOf({ request, response });
    const form = parse(mergeForm, request.body);
    // From the branch page there is nothing to keep; the refusal is a page of its own there.
    const again = form.usual === undefined ? undefined : { part: 'merge' as const, fields: { ...form } };
    await tryVerb(forge, { request, response }, again, async () => {
      await mergeBranch(forge, { ...place, ...choiceOf(form), expectedHead: form.head, slots });
      response.redirect(303, addressOf(place, place.branch.number));
    });
  });
  router.post(`${page}/retarget`, async (request, response) => {
    const place = placeOf({ request, response });
    const given = request.body as Record<string, unknown>;
    const again = { part: 'target' as const, fields: { target: given['target'] } };
    await tryVerb(forge, { request, response }, again, async () => {
      const { target } = parse(retargetRequest.loose(), given);
      await retargetBranch(forge, { ...place, target });
      response.redirect(303, addressOf(place, place.branch.number));
    });
  });
  router.post(`${page}/revert`, async (request, response) => {
    const place = placeOf({ request, response });
    const { reason } = parse(revertRequest.loose(), request.body);
    await tryVerb(forge, { request, response }, { part: 'revert', fields: { reason } }, async () => {
      const made = await revertBranch(forge, { ...place, reason });
      response.redirect(303, addressOf(place, made.number));
    });
  });
  router.post(`${page}/restore`, async (request, response) => {
    const place = placeOf({ request, response });
    const made = await restoreBranch(forge, place);
    response.redirect(303, addressOf(place, made.number));
  });
  router.post(`${page}/close`, async (request, response) => {
    const place = placeOf({ request, response });
    await closeBranch(forge, { ...place, slots });
    response.redirect(303, addressOf(place, place.branch.number));
  });
  router.post(`${page}/reopen`, async (request, response) => {
    const place = placeOf({ request, response });
    await reopenBranch(forge, { ...place, slots });
    response.redirect(303, addressOf(place, place.branch.number));
  });
  return router;
}

/** Who chose another method and left the message alone wants the usual message of that method. */
function choiceOf(form: MergeForm): {
  method?: MergeMethod | undefined;
  message?: string | undefined;
  force?: { reason: string };
} {
  const message = form.message === form.usual ? undefined : form.message;
  const choice = { method: form.method, message };
  return form.force === undefined ? choice : { ...choice, force: { reason: form.reason } };
}

async function tryVerb(
  forge: Forge,
  exchange: Exchange,
  again: { part: 'merge' | 'target' | 'revert'; fields: Record<string, unknown> } | undefined,
  verb: () => Promise<void>,
): Promise<void> {
  try {
    await verb();
  } catch (error) {
    const isRefusal = error instanceof ForgeError && (error.code === 'conflict' || error.code === 'invalid');
    if (again === undefined || !isRefusal) throw error;
    exchange.response.status(error.code === 'conflict' ? 409 : 400);
    const refused = { part: again.part, sentence: error.message };
    await showPage(forge, exchange, { refused, fields: again.fields });
  }
}

async function showPage(forge: Forge, exchange: Exchange, tried: Tried): Promise<void> {
  const place = branchOfRoute(forge, exchange, 'read');
  const { repo, branch } = place;
  const caller = callerOf(exchange.response);
  const right = rightOn(forge, caller, repo);
  const gate = await askGate(forge, { repo, branch, caller });
  const { methods } = await mergeChoices(forge, place);
  const base = `/${repo.owner}/${repo.name}/branches/${branch.number}`;
  render(exchange.response, 'front/merge.njk', {
    ...place,
    ...tried,
    base,
    gate,
    methods: methods.map(({ method }) => ({ value: method, ...titles[method] })),
    usual: methods[0]?.message ?? '',
    targets: branch.state === 'open' ? await targetsOf(forge, place) : [],
    mayWrite: includesRight(right, 'write'),
    mayForce: includesRight(right, 'maintain') && gate.holds.length > 0 && gate.holds.every(mayOverrule),
  });
}

/** What the branch could be aimed at: every other branch that is there. */
async function targetsOf(forge: Forge, { repo, branch }: Place): Promise<string[]> {
  const heads = await listHeads(forge.git, repoPath(forge, repo.id));
  return [...heads.keys()].filter((name) => name !== branch.name).slice(0, maxTargets);
}
