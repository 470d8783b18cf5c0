// What the branch page shows, tab by tab. It puts the domains side by side and decides nothing.
import type { Response } from 'express';
import { callerOf } from '../accounts/guard.ts';
import { diffBetween } from '../repos/diff-between.ts';
import { getRevision } from '../branches/find.ts';
import type { Branch, Revision } from '../branches/model.ts';
import { listLanes, listRuns, newestRun } from '../ci/find.ts';
import type { Lane, Run } from '../ci/model.ts';
import { listStatuses } from '../ci/statuses/set-status.ts';
import type { Forge } from '../forge/open.ts';
import type { Diff } from '../git/diff.ts';
import { askGate } from '../landing/gate/gate.ts';
import type { GateView } from '../landing/model.ts';
import { findLanding } from '../landing/queue/queue-view.ts';
import { includesRight, type Repo } from '../repos/model.ts';
import { rightOn } from '../repos/rights.ts';
import { countTalk, reviewState } from '../reviews/find.ts';
import { newestTutorial } from '../tutorials/find.ts';
import { diffChoiceOf } from '../web/diff-choice.ts';
import { changesData, commentData, type ChangesPlace } from './changes.ts';
import { commitsData } from './commits.ts';
import { discussionData, talkStep } from './discussion.ts';
import { mergeBoxData } from './holds.ts';
import { landingShown } from './landings.ts';
import { readRange, type AskedRange } from './range.ts';
import type { CommentPlace } from './talk.ts';
import { explainedRevision, tutorialData } from './tutorial.ts';

export const tabs = ['tutorial', 'changes', 'commits', 'discussion', 'ci'] as const;
export type Tab = (typeof tabs)[number];

export interface BranchPlace {
  repo: Repo;
  branch: Branch;
  response: Response;
  /** How much of the discussion is shown; the newest part of it unless more is asked for. */
  shown?: number | undefined;
  /** Where in the code a comment is being written. */
  form?: CommentPlace | undefined;
  /** The step of the tutorial that is read alone. */
  only?: number | 'next' | undefined;
  /** The first file of that step to show, counted from 0. */
  from?: number | undefined;
  /** Colours are waited for so long; for ever by default. */
  patienceMs?: number | undefined;
  /** Which revisions the Changes tab shows against each other, and the Commits tab. */
  range?: AskedRange | undefined;
}

/** The header: badges, the three answers, merge and close. It is also the live fragment. */
export async function headData(forge: Forge, place: BranchPlace): Promise<Record<string, unknown>> {
  const { repo, branch } = place;
  const caller = callerOf(place.response);
  const run = newestRun(forge, branch.id);
  const lanes = run === undefined ? [] : listLanes(forge, run.id);
  const revision = getRevision(forge, branch.id, branch.revision);
  // The first reader of a branch waits for git twice, and for both at once.
  const [gate, size] = await Promise.all([
    askGate(forge, { repo, branch, caller }),
    branch.brokenReason === undefined ? sizeOf(forge, repo, revision) : undefined,
  ]);
  const tutorial = newestTutorial(forge, branch.id);
  return {
    repo,
    branch,
    run,
    lanes,
    failing: lanes.filter((lane) => lane.attempt.state === 'failed'),
    waiting: lanes.filter((lane) => lane.attempt.state === 'queued'),
    gate,
    ...mergeBoxData(forge, { repo, branch, caller }, { gate, lanes }),
    mergeState: mergeStateOf(branch, gate),
    landing: landingOf(forge, repo, branch),
    revision,
    tutorial,
    summary: tutorial?.body?.summary,
    size,
    mayWrite: includesRight(rightOn(forge, caller, repo), 'write'),
    ciState: run?.state ?? 'none',
    statuses: listStatuses(forge, repo.id, branch.headOid),
    base: `/${repo.owner}/${repo.name}/branches/${branch.number}`,
    repoBase: `/${repo.owner}/${repo.name}`,
  };
}

/** Its place in the landing queue while it is open; an entry of an older head has nothing more to say. */
function landingOf(forge: Forge, repo: Repo, branch: Branch): unknown {
  if (branch.state !== 'open') return undefined;
  const landing = findLanding(forge, repo, branch.id);
  const isOld = landing?.ended !== null && landing?.head !== branch.headOid;
  return landing === undefined || isOld ? undefined : landingShown(landing);
}

interface Size {
  truncated: boolean;
  files: number;
  added: number;
  removed: number;
}

// The header and the tabs ask for the same one, and so does every reader after them.
const sizes = new WeakMap<Diff, Size>();

async function sizeOf(forge: Forge, repo: Repo, { baseOid, headOid }: Revision): Promise<Size> {
  const diff = await diffBetween(forge, { repoId: repo.id, baseOid, headOid });
  const size = sizes.get(diff) ?? countLines(diff);
  sizes.set(diff, size);
  return size;
}

const countLines = ({ files, truncated }: Diff): Size => ({
  truncated,
  files: files.length,
  added: files.reduce((sum, file) => sum + file.added, 0),
  removed: files.reduce((sum, file) => sum + file.removed, 0),
});

function mergeStateOf(branch: Branch, gate: GateView): string {
  if (branch.state !== 'open') return branch.state;
  return gate.open ? 'open' : 'held';
}

/** What stands beside the names of the tabs. */
export async function tabCounts(
  forge: Forge,
  { repo, branch }: BranchPlace,
): Promise<Record<string, unknown>> {
  const revision = getRevision(forge, branch.id, branch.revision);
  const size = branch.brokenReason === undefined ? await sizeOf(forge, repo, revision) : undefined;
  const steps = newestTutorial(forge, branch.id)?.body?.steps.length;
  const { unresolvedThreads } = reviewState(forge, { repo, branch });
  return { counts: { steps, files: size?.files, talk: countTalk(forge, branch), unresolvedThreads } };
}

/** What a tab adds to the header; `unreadable` when the branch is broken and the tab needs what is missing. */
export async function tabData(forge: Forge, place: BranchPlace, tab: Tab): Promise<Record<string, unknown>> {
  try {
    return await readTab(forge, place, tab);
  } catch (error) {
    // The header says why; the other tabs and the way to close the branch stay.
    if (place.branch.brokenReason === undefined) throw error;
    return { unreadable: true };
  }
}

async function readTab(forge: Forge, place: BranchPlace, tab: Tab): Promise<Record<string, unknown>> {
  const { repo, branch } = place;
  const caller = callerOf(place.response);
  const revision = getRevision(forge, branch.id, branch.revision);
  const { ignoresSpace } = diffChoiceOf(place.response) ?? {};
  const range = tab === 'changes' ? readRange(forge, { branch, caller }, place.range ?? {}) : {};
  const shownPlace = { repo, branch, revision, caller, ignoresSpace };
  switch (tab) {
    case 'tutorial':
      if (place.form !== undefined) {
        const explained = { repo, branch, caller, revision: explainedRevision(forge, branch) };
        return { ...(await commenting(forge, explained, place.form)), talkBack: 'tutorial' };
      }
      return tutorialData(forge, { repo, branch, caller, ...stepsOf(place) });
    case 'changes':
      if (place.form !== undefined) return commenting(forge, { repo, branch, revision, caller }, place.form);
      return { changes: await changesData(forge, { ...shownPlace, ...range }), talkBack: 'changes' };
    case 'commits':
      return commitsData(forge, { repo, branch, revision, caller }, place.range ?? {});
    case 'discussion':
      return discussionData(forge, { repo, branch, revision, caller, shown: place.shown ?? talkStep });
    case 'ci':
      return { runs: runsOf(forge, branch), ...saidOf(forge, branch) };
  }
}

const stepsOf = ({ only, from, patienceMs }: BranchPlace) => ({ only, from, patienceMs });

/** One file alone, with the form at the line that was chosen. */
async function commenting(
  forge: Forge,
  place: ChangesPlace,
  form: CommentPlace,
): Promise<Record<string, unknown>> {
  const { files, form: shown } = await commentData(forge, place, form);
  return { commenting: true, files, form: shown, head: place.revision.headOid, talkBack: 'changes' };
}

function runsOf(forge: Forge, branch: Branch): { run: Run; lanes: Lane[] }[] {
  return listRuns(forge, { branchId: branch.id })
    .slice(0, forge.config.limits.maxRowsPerPage)
    .map((run) => ({ run, lanes: listLanes(forge, run.id) }));
}

/** What other systems say of the head. */
const saidOf = (forge: Forge, { repoId, headOid }: Branch): Record<string, unknown> => ({
  statuses: listStatuses(forge, repoId, headOid),
  statusOid: headOid,
});
