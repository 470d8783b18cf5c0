// The Tutorial tab: the guide with what is said of its lines. A thread stands in the step that shows its line; what is
// about a file or about lines that no step shows stands in the first step with that file.
import type { Request, Response } from 'express';
import type { Caller } from '../accounts/model.ts';
import { getRevision } from '../branches/find.ts';
import type { Branch, Revision } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import type { Hunk } from '../git/diff.ts';
import { diffBetween } from '../repos/diff-between.ts';
import { pathOf } from '../repos/file-view.ts';
import { includesRight, type Repo } from '../repos/model.ts';
import { rightOn } from '../repos/rights.ts';
import { talkOf, type TalkThread } from '../reviews/talk-view.ts';
import { shownTutorial } from '../tutorials/find.ts';
import type { StepFile } from '../tutorials/step-files.ts';
import { tutorialSections, type Guide } from '../tutorials/view.ts';
import { fileTalk, sortTalk } from './talk.ts';

export interface TutorialPlace {
  repo: Repo;
  branch: Branch;
  caller: Caller;
  /** One step alone: its number, or `next` for the first that is not viewed. */
  only?: number | 'next' | undefined;
  /** The first file of that step to show, counted from 0. */
  from?: number | undefined;
  /** Colours are waited for so long; for ever by default. */
  patienceMs?: number | undefined;
}

const cookieName = 'tutorial_steps';
const yearMs = 365 * 24 * 60 * 60 * 1000;
const remembered = /(?:^|;\s*)tutorial_steps=one(?:;|$)/;

/** Which step is read alone, if any: what the address says, else what the reader chose before. */
export function chosenStep(
  { request, response }: { request: Request; response: Response },
  asked: { step?: number | undefined; steps?: 'one' | 'all' | undefined },
): number | 'next' | undefined {
  if (asked.steps !== undefined) {
    const how = { path: '/', maxAge: yearMs, sameSite: 'lax', secure: request.secure } as const;
    response.cookie(cookieName, asked.steps, how);
  }
  if (asked.steps === 'all') return undefined;
  if (asked.step !== undefined) return asked.step;
  return asked.steps === 'one' || remembered.test(request.get('cookie') ?? '') ? 'next' : undefined;
}

export async function tutorialData(forge: Forge, place: TutorialPlace): Promise<Record<string, unknown>> {
  const { repo, branch, caller, only, from, patienceMs } = place;
  const guide = await tutorialSections(forge, branch, {
    viewerId: caller.account?.id,
    only,
    from,
    patienceMs,
    filesBase: (headOid) => `/${repo.owner}/${repo.name}/blob/${headOid}/`,
    rawBase: (oid) => `/${repo.owner}/${repo.name}/raw/${oid}/`,
  });
  const mayComment = caller.account !== undefined && caller.scope !== 'read';
  return {
    guide: await withTalk(forge, { place, guide, mayComment }),
    talkBack: 'tutorial',
    mayView: mayComment && caller.account?.kind !== 'system',
    mayRewrite: includesRight(rightOn(forge, caller, repo), 'write') && caller.scope !== 'read',
  };
}

/** The revision whose lines the tutorial shows, for a comment on one of them. */
export const explainedRevision = (forge: Forge, branch: Branch): Revision =>
  getRevision(forge, branch.id, shownTutorial(forge, branch.id)?.revision ?? branch.revision);

async function withTalk(
  forge: Forge,
  { place, guide, mayComment }: { place: TutorialPlace; guide: Guide; mayComment: boolean },
): Promise<Guide & { head?: string }> {
  const { repo, branch } = place;
  if (guide.steps === undefined || guide.revision === undefined) return guide;
  const revision = getRevision(forge, branch.id, guide.revision);
  const { baseOid, headOid } = revision;
  const diff = await diffBetween(forge, { repoId: repo.id, baseOid, headOid });
  const talk = await talkOf(forge, { ...place, revision });
  const { byPath } = sortTalk(diff, talk);
  const address = `/${repo.owner}/${repo.name}/branches/${branch.number}`;
  const base = mayComment ? address : undefined;
  const steps = guide.steps.map((step) => ({
    ...step,
    talk: talk.filter((thread) => thread.step === step.title),
    files: step.files.map((view) => {
      const threads = (byPath.get(pathOf(view.file)) ?? []).filter((thread) => isHere(thread, view));
      return { ...view, ...fileTalk(view, { file: view.file, threads, base, tab: 'tutorial' }) };
    }),
  }));
  return { ...guide, head: headOid, steps, only: guide.only && steps[guide.only.number - 1] };
}

/** Under a line of the step; what is under none of any step stands in the first step with the file. */
const isHere = (thread: TalkThread, { file, wanted, isFirst }: StepFile): boolean =>
  isUnder(thread, wanted) || (isFirst && !isUnder(thread, file.hunks));

const isUnder = ({ state, kind, side, lastLine }: TalkThread, hunks: readonly Hunk[]): boolean =>
  state !== 'outdated' &&
  kind === 'line' &&
  hunks.some(({ lines }) =>
    lines.some((line) => (side === 'old' ? line.oldNumber : line.newNumber) === lastLine),
  );
