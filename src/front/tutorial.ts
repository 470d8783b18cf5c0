// The Tutorial tab: the guide with what is said of its lines. A thread stands in the step that shows its line; what is
// about a file or about lines that no step shows stands in the first step with that file.
import type { Request, Response } from 'express';
import type { Caller } from '../accounts/model.ts';
import { getRevision } from '../branches/find.ts';
import type { Branch, Revision } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import { diffBetween } from '../repos/diff-between.ts';
import { pathOf } from '../repos/file-view.ts';
import { includesRight, type Repo } from '../repos/model.ts';
import { rightOn } from '../repos/rights.ts';
import { talkOf, type TalkThread } from '../reviews/talk-view.ts';
import { shownTutorial } from '../tutorials/find.ts';
import { tutorialSections, type Guide, type StepFile } from '../tutorials/view.ts';
import { fileTalk, rowsOf, sortTalk } from './talk.ts';

export interface TutorialPlace {
  repo: Repo;
  branch: Branch;
  caller: Caller;
  /** One step alone: its number, or `next` for the first that is not viewed. */
  only?: number | 'next' | undefined;
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
  const { repo, branch, caller, only } = place;
  const guide = await tutorialSections(forge, branch, {
    viewerId: caller.account?.id,
    only,
    filesBase: (headOid) => `/${repo.owner}/${repo.name}/blob/${headOid}/`,
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
): Promise<Guide> {
  const { repo, branch } = place;
  if (guide.steps === undefined || guide.revision === undefined) return guide;
  const revision = getRevision(forge, branch.id, guide.revision);
  const { baseOid, headOid } = revision;
  const diff = await diffBetween(forge, { repoId: repo.id, baseOid, headOid });
  const { byPath } = sortTalk(diff, await talkOf(forge, { ...place, revision }));
  const address = `/${repo.owner}/${repo.name}/branches/${branch.number}`;
  const base = mayComment ? address : undefined;
  const left = leftOver(byPath, guide);
  const steps = guide.steps.map((step) => ({
    ...step,
    files: step.files.map((view) => {
      const path = pathOf(view.file);
      const rows = rowsOf(view);
      const here = (byPath.get(path) ?? []).filter((thread) => isUnder(thread, rows));
      const threads = [...(left.get(path) ?? []), ...here];
      left.delete(path);
      return { ...view, ...fileTalk(view, { file: view.file, threads, base, tab: 'tutorial' }) };
    }),
  }));
  return { ...guide, steps, only: guide.only && steps[guide.only.number - 1] };
}

const isUnder = (thread: TalkThread, rows: ReadonlySet<string>): boolean =>
  thread.state !== 'outdated' && thread.kind === 'line' && rows.has(`${thread.side}${thread.lastLine}`);

/** The threads of each file that stand under no line of any step. */
function leftOver(
  byPath: ReadonlyMap<string, TalkThread[]>,
  { steps = [], only }: Guide,
): Map<string, TalkThread[]> {
  // Of a step alone nothing is known of what the others show.
  if (only !== undefined) {
    const isPlaceless = ({ kind, state }: TalkThread) => kind === 'file' || state === 'outdated';
    return new Map([...byPath].map(([path, threads]) => [path, threads.filter(isPlaceless)]));
  }
  const files: readonly StepFile[] = steps.flatMap((step) => step.files);
  const rows = new Map<string, Set<string>>();
  for (const view of files) {
    const path = pathOf(view.file);
    rows.set(path, new Set([...(rows.get(path) ?? []), ...rowsOf(view)]));
  }
  return new Map(
    [...byPath].map(([path, threads]) => [
      path,
      threads.filter((thread) => !isUnder(thread, rows.get(path) ?? new Set())),
    ]),
  );
}
