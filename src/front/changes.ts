// The Changes tab: the difference of a revision, and its further files as they are reached.
import { Router } from 'express';
import { z } from 'zod';
import { callerOf } from '../accounts/guard.ts';
import type { Caller } from '../accounts/model.ts';
import type { Branch, Revision } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import {
  partAddress,
  partQuery,
  viewChanges,
  viewFilesFrom,
  type ChangesPart,
  type ChangesView,
  type ShownDiff,
} from '../repos/changes-view.ts';
import { diffBetween } from '../repos/diff-between.ts';
import { pathOf, viewFile, type FileView } from '../repos/file-view.ts';
import type { Repo } from '../repos/model.ts';
import { changedSince, type Since } from '../reviews/since.ts';
import { talkOf, type TalkThread } from '../reviews/talk-view.ts';
import { diffChoiceOf } from '../web/diff-choice.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import { branchOfRoute } from './place.ts';
import { marksOf, rangeBar, readRange, type Marks, type RangeBar } from './range.ts';
import { fileTalk, placeWords, sortTalk, type CommentPlace, type FileTalk } from './talk.ts';

const diffQuery = partQuery.extend({
  revision: z.coerce.number().int().positive(),
  since: z.coerce.number().int().positive().optional(),
});

// Nobody waits for colours; the script of the page puts those that come late into the lines.
const first = { files: 30, patienceMs: 25 };

export interface ChangesPlace {
  repo: Repo;
  branch: Branch;
  revision: Revision;
  caller: Caller;
  /** The earlier revision that it is held against, in place of its merge base. */
  since?: Revision | undefined;
  /** As the reader chose it for this page. */
  ignoresSpace?: boolean | undefined;
}

type FileWithTalk = FileView & { href?: string | undefined; isSince: boolean } & FileTalk;

interface ChangesData extends Omit<ChangesView, 'files'>, Marks {
  files: FileWithTalk[];
  noBase: boolean;
  elsewhere: number;
  range: RangeBar | undefined;
}

/** The tree and the first files of a revision's difference, with what is said of their lines. */
export async function changesData(forge: Forge, place: ChangesPlace): Promise<ChangesData> {
  const shown = await shownDiff(forge, place);
  const changes = await viewChanges(forge, { ...shown, first });
  const talk = await withTalk(forge, { place, shown, part: changes });
  const noBase = place.since === undefined && place.revision.baseOid === undefined;
  return { ...changes, ...talk, noBase, range: rangeBar(forge, place, shown.since) };
}

/** The one file that somebody comments on, with the form at its line. */
export async function commentData(
  forge: Forge,
  place: ChangesPlace,
  form: CommentPlace,
): Promise<{ files: FileWithTalk[]; form: CommentPlace & { words: string } }> {
  const { diff } = await shownDiff(forge, place);
  const file = diff.files.find((each) => (form.side === 'old' ? each.oldPath : pathOf(each)) === form.path);
  const words = placeWords(form);
  if (file === undefined) return { files: [], form: { ...form, words } };
  const view = await viewFile(forge, { repoId: place.repo.id, file });
  const threads = sortTalk(diff, await talkOf(forge, place)).byPath.get(pathOf(file)) ?? [];
  const talk = fileTalk(view, { file, threads, base: commentBase(place), form });
  return { files: [{ ...view, folded: false, isSince: false, ...talk }], form: { ...form, words } };
}

/** Where comments are written, for whoever may write them. */
function commentBase({ repo, branch, caller }: ChangesPlace): string | undefined {
  const mayComment = caller.account !== undefined && caller.scope !== 'read';
  return mayComment ? `/${repo.owner}/${repo.name}/branches/${branch.number}` : undefined;
}

async function withTalk(
  forge: Forge,
  reading: { place: ChangesPlace; shown: ShownRange; part: ChangesPart },
): Promise<{ files: FileWithTalk[]; elsewhere: number } & Marks> {
  const { place, shown, part } = reading;
  const { diff, since } = shown;
  const isSince = since !== undefined;
  const { byPath, elsewhere } = sortTalk(diff, await talkOf(forge, place));
  // The form on the Changes tab is about the newest revision.
  const base = place.revision.number === place.branch.revision ? commentBase(place) : undefined;
  const files = part.files.flatMap((view, index): FileWithTalk[] => {
    const file = diff.files[part.from + index];
    if (file === undefined) return [];
    const threads: TalkThread[] = byPath.get(pathOf(file)) ?? [];
    return [{ ...view, isSince, ...fileTalk(view, { file, threads, base, isSince }) }];
  });
  const marks = await marksOf(forge, place, { diff, since, byPath });
  return { files, elsewhere: isSince ? 0 : elsewhere, ...marks };
}

export function changesPages(forge: Forge): Router {
  const router = Router();
  router.get('/:owner/:repo/branches/:number/diff', async (request, response) => {
    const { repo, branch } = branchOfRoute(forge, { request, response }, 'read');
    const { from, until, at, ...asked } = parse(diffQuery, request.query);
    const caller = callerOf(response);
    const ignoresSpace = diffChoiceOf(response)?.ignoresSpace;
    const range = readRange(forge, { branch, caller }, asked);
    const place = { repo, branch, caller, ignoresSpace, ...range };
    const shown = await shownDiff(forge, place);
    const part = await viewFilesFrom(forge, { ...shown, from, until, at });
    const talk = await withTalk(forge, { place, shown, part });
    // The script of the page asks for the files alone; without it, the link is followed to a page of its own.
    const isNavigation = request.get('sec-fetch-mode') === 'navigate';
    response.vary('Sec-Fetch-Mode');
    const base = `/${repo.owner}/${repo.name}/branches/${branch.number}`;
    const template = isNavigation ? 'front/files.njk' : '_changed_files.njk';
    const changes = { ...part, ...talk };
    render(response, template, { repo, branch, base, changes, talkBack: 'changes' });
  });
  return router;
}

type ShownRange = ShownDiff & { since: Since | undefined };

async function shownDiff(forge: Forge, place: ChangesPlace): Promise<ShownRange> {
  const { repo, branch, revision, ignoresSpace } = place;
  const { baseOid, headOid } = revision;
  const base = `/${repo.owner}/${repo.name}/branches/${branch.number}`;
  const order = { repo, branch, to: revision, ignoresSpace };
  const since = place.since && (await changedSince(forge, { ...order, from: place.since }));
  const range = since === undefined ? '' : `&since=${since.from.number}`;
  const space = ignoresSpace === true ? '&w=1' : '';
  const before = since?.from.headOid ?? baseOid;
  return {
    repoId: repo.id,
    diff: since?.diff ?? (await diffBetween(forge, { repoId: repo.id, baseOid, headOid, ignoresSpace })),
    since,
    ignoresSpace,
    filesBase: `/${repo.owner}/${repo.name}/blob/${headOid}/`,
    rawBases: {
      old: before && `/${repo.owner}/${repo.name}/raw/${before}/`,
      new: `/${repo.owner}/${repo.name}/raw/${headOid}/`,
    },
    moreHref: (from, until) =>
      `${base}/diff?revision=${revision.number}${range}&${partAddress(from, until)}${space}`,
  };
}
