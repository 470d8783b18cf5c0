// The Changes tab: the difference of a revision, and its further files as they are reached.
import { Router } from 'express';
import { z } from 'zod';
import { callerOf } from '../accounts/guard.ts';
import type { Caller } from '../accounts/model.ts';
import { getRevision } from '../branches/find.ts';
import type { Branch, Revision } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import type { Diff } from '../git/diff.ts';
import {
  viewChanges,
  viewFilesFrom,
  type ChangesPart,
  type ChangesView,
  type ShownDiff,
} from '../repos/changes-view.ts';
import { diffBetween } from '../repos/diff-between.ts';
import { pathOf, viewFile, type FileView } from '../repos/file-view.ts';
import type { Repo } from '../repos/model.ts';
import { talkOf, type TalkThread } from '../reviews/talk-view.ts';
import { diffChoiceOf } from '../web/diff-choice.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import { branchOfRoute } from './place.ts';
import { fileTalk, placeWords, sortTalk, type CommentPlace, type FileTalk } from './talk.ts';

const diffQuery = z.object({
  revision: z.coerce.number().int().positive(),
  from: z.coerce.number().int().min(0).default(0),
});

export interface ChangesPlace {
  repo: Repo;
  branch: Branch;
  revision: Revision;
  caller: Caller;
  /** As the reader chose it for this page. */
  ignoresSpace?: boolean | undefined;
}

type FileWithTalk = FileView & { href?: string | undefined } & FileTalk;

/** The tree and the first files of a revision's difference, with what is said of their lines. */
export async function changesData(
  forge: Forge,
  place: ChangesPlace,
): Promise<Omit<ChangesView, 'files'> & { files: FileWithTalk[]; noBase: boolean; elsewhere: number }> {
  const shown = await shownDiff(forge, place);
  const changes = await viewChanges(forge, shown);
  const { files, elsewhere } = await withTalk(forge, { place, diff: shown.diff, part: changes, from: 0 });
  return { ...changes, files, elsewhere, noBase: place.revision.baseOid === undefined };
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
  return { files: [{ ...view, folded: false, ...talk }], form: { ...form, words } };
}

/** Where comments are written, for whoever may write them. */
function commentBase({ repo, branch, caller }: ChangesPlace): string | undefined {
  const mayComment = caller.account !== undefined && caller.scope !== 'read';
  return mayComment ? `/${repo.owner}/${repo.name}/branches/${branch.number}` : undefined;
}

async function withTalk(
  forge: Forge,
  shown: { place: ChangesPlace; diff: Diff; part: ChangesPart; from: number },
): Promise<{ files: FileWithTalk[]; elsewhere: number }> {
  const { place, diff, part, from } = shown;
  const { byPath, elsewhere } = sortTalk(diff, await talkOf(forge, place));
  const base = commentBase(place);
  const files = part.files.flatMap((view, index): FileWithTalk[] => {
    const file = diff.files[from + index];
    if (file === undefined) return [];
    const threads: TalkThread[] = byPath.get(pathOf(file)) ?? [];
    return [{ ...view, ...fileTalk(view, { file, threads, base }) }];
  });
  return { files, elsewhere };
}

export function changesPages(forge: Forge): Router {
  const router = Router();
  router.get('/:owner/:repo/branches/:number/diff', async (request, response) => {
    const { repo, branch } = branchOfRoute(forge, { request, response }, 'read');
    const { revision: number, from } = parse(diffQuery, request.query);
    const caller = callerOf(response);
    const ignoresSpace = diffChoiceOf(response)?.ignoresSpace;
    const place = { repo, branch, caller, ignoresSpace, revision: getRevision(forge, branch.id, number) };
    const shown = await shownDiff(forge, place);
    const part = await viewFilesFrom(forge, { ...shown, from });
    const { files } = await withTalk(forge, { place, diff: shown.diff, part, from });
    // The script of the page asks for the files alone; without it, the link is followed to a page of its own.
    const isNavigation = request.get('sec-fetch-mode') === 'navigate';
    response.vary('Sec-Fetch-Mode');
    const base = `/${repo.owner}/${repo.name}/branches/${branch.number}`;
    const template = isNavigation ? 'front/files.njk' : '_changed_files.njk';
    const changes = { ...part, files };
    render(response, template, { repo, branch, base, changes, talkBack: 'changes' });
  });
  return router;
}

async function shownDiff(forge: Forge, place: ChangesPlace): Promise<ShownDiff> {
  const { repo, branch, revision, ignoresSpace } = place;
  const { baseOid, headOid } = revision;
  const base = `/${repo.owner}/${repo.name}/branches/${branch.number}`;
  return {
    repoId: repo.id,
    diff: await diffBetween(forge, { repoId: repo.id, baseOid, headOid, ignoresSpace }),
    ignoresSpace,
    filesBase: `/${repo.owner}/${repo.name}/blob/${headOid}/`,
    moreHref: (from) =>
      `${base}/diff?revision=${revision.number}&from=${from}${ignoresSpace === true ? '&w=1' : ''}`,
  };
}
