// A tutorial with its hunks, ready for the template.
import { diffBetween, type DiffEnds } from '../repos/diff-between.ts';
import { findMoves } from '../repos/moved-lines.ts';
import { getRevision } from '../branches/find.ts';
import type { Branch } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import type { Diff } from '../git/diff.ts';
import { Recent } from '../lib/recent.ts';
import { newestTutorial, shownTutorial } from './find.ts';
import { hunkMarks, keyOf } from './hunk-mark.ts';
import type { Tutorial, TutorialState, TutorialStep, WriterUsage } from './model.ts';
import { viewStepFiles, type StepFile, type StepPage } from './step-files.ts';
import { viewedMarks } from './view-step.ts';
import { plainDocument, tryMarkdown } from '../web/markdown.ts';
import { patienceOf } from '../web/render-pool.ts';

export interface StepView {
  number: number;
  title: string;
  intent: string;
  /** HTML of the step's Markdown. */
  prose: string;
  hunkCount: number;
  /** How many of them the reader has viewed. */
  viewedCount: number;
  isViewed: boolean;
  open: boolean;
  /** None while another step is read alone, and no more than a page shows at once. */
  files: StepFile[];
  /** How many files come behind those, and with which of the step's they begin. */
  left: number;
  nextFile: number;
}

export interface Guide {
  state: TutorialState | 'none';
  message: string | undefined;
  writer: string | undefined;
  usage: WriterUsage | undefined;
  /** The revision it explains, and the one the branch is at. */
  revision: number | undefined;
  /** When it was written to its end; the one that stands here may be written once more. */
  finishedAt: number | undefined;
  current: number;
  steps: StepView[] | undefined;
  /** The step that is read alone. */
  only: StepView | undefined;
  hunkCount: number;
  viewedCount: number;
  viewedSteps: number;
  /** The first step with something that the reader has not viewed. */
  nextStep: number | undefined;
  /** What the newest revision lacks: its tutorial is `queued`, `running` or has `failed` with `message`. */
  newest: { state: TutorialState | 'none'; message: string | undefined };
  /** Not all of the difference is in the steps: it is over the limits. */
  truncated: boolean;
  /** Some of the colours were not made in time. */
  isWaiting: boolean;
}

export interface GuideWish {
  /** Whose marks are shown. */
  viewerId?: number | undefined;
  /** One step alone: this one, or the first that is not viewed. */
  only?: number | 'next' | undefined;
  /** The first file to show of that step, counted from 0. */
  from?: number | undefined;
  /** Colours are waited for so long; for ever by default. */
  patienceMs?: number | undefined;
  /** Where the whole files of a commit stand, given its object id. */
  filesBase?: ((headOid: string) => string) | undefined;
  /** The same for the files themselves, of either commit. */
  rawBase?: ((oid: string) => string) | undefined;
}

const maxKeptProseBytes = 4 * 1024 * 1024;
const prose = new Recent<string>(maxKeptProseBytes);

// A page stops before its next file when it has this many; the rest is fetched, fewer at a time, as it is reached.
const atOnce = { files: 30, lines: 5000 };
const perPart = { files: 10, lines: 2000 };
// Steps beyond this many hunks start folded, so that a huge branch still opens at once.
const maxOpenHunks = 60;

export async function tutorialSections(forge: Forge, branch: Branch, wish: GuideWish = {}): Promise<Guide> {
  const tutorial = shownTutorial(forge, branch.id);
  const newest = newestTutorial(forge, branch.id);
  const guide = {
    state: tutorial?.state ?? ('none' as const),
    message: tutorial?.message,
    writer: tutorial?.writer,
    usage: tutorial?.usage,
    revision: tutorial?.revision,
    finishedAt: tutorial?.finishedAt,
    current: branch.revision,
    newest: newestState(newest, branch),
  };
  if (tutorial?.body === undefined)
    return { ...guide, ...nothingRead, steps: undefined, truncated: false, isWaiting: false };
  const { baseOid, headOid } = getRevision(forge, branch.id, tutorial.revision);
  const ends = { repoId: branch.repoId, baseOid, headOid };
  const diff = await diffBetween(forge, ends);
  findMoves(diff);
  const counted = countViewed(tutorial.body.steps, diff, viewedMarks(forge, branch, wish.viewerId));
  const first = counted.findIndex(({ isViewed }) => !isViewed) + 1;
  const only = onlyOf(wish.only, { count: counted.length, next: first || 1 });
  const seen = new Set<string>();
  const page = pageOf(branch, { diff, seen, wish, from: only === undefined ? 0 : (wish.from ?? 0), ends });
  const steps: StepView[] = [];
  let shown = 0;
  for (const [index, step] of tutorial.body.steps.entries()) {
    const number = index + 1;
    const progress = counted[index] ?? { viewedCount: 0, isViewed: false };
    shown += step.hunks.length;
    const open = only === number || (only === undefined && !step.folded && shown <= maxOpenHunks);
    const view = (only ?? number) === number ? await viewStepOf(forge, { step, number, page }) : nothingShown;
    for (const { path } of step.hunks) seen.add(path);
    steps.push({
      number,
      title: step.title,
      intent: step.intent,
      hunkCount: step.hunks.length,
      ...view,
      ...progress,
      open: open && !isFoldedAway(progress, only),
    });
  }
  return {
    ...guide,
    steps,
    only: only === undefined ? undefined : steps[only - 1],
    hunkCount: shown,
    viewedCount: steps.reduce((sum, step) => sum + step.viewedCount, 0),
    viewedSteps: steps.filter(({ isViewed }) => isViewed).length,
    nextStep: first === 0 ? undefined : first,
    truncated: diff.truncated,
    isWaiting: steps.some(({ files }) => files.some((file) => file.isWaiting)),
  };
}

function pageOf(
  branch: Branch,
  shown: Pick<StepPage, 'diff' | 'seen' | 'from'> & { wish: GuideWish; ends: DiffEnds },
): StepPage {
  const { diff, seen, from, wish, ends } = shown;
  const { patienceMs, rawBase } = wish;
  return {
    repoId: branch.repoId,
    diff,
    filesBase: wish.filesBase?.(ends.headOid),
    rawBases: rawBase && { old: ends.baseOid && rawBase(ends.baseOid), new: rawBase(ends.headOid) },
    patience: patienceMs === undefined ? undefined : patienceOf(patienceMs),
    from,
    budget: { ...(from === 0 ? atOnce : perPart) },
    seen,
  };
}

/** A step while another one is read alone: it is named only. */
const nothingShown = { prose: '', files: [], left: 0, nextFile: 0 };

const viewStepOf = async (
  forge: Forge,
  shown: { step: TutorialStep; number: number; page: StepPage },
): Promise<Pick<StepView, keyof typeof nothingShown>> => ({
  prose: await proseHtml(shown.step.prose),
  ...(await viewStepFiles(forge, shown)),
});

/** What is kept is right for every reader: it has no links within the repository. */
async function proseHtml(text: string): Promise<string> {
  if (text === '') return '';
  const known = prose.find(text);
  if (known !== undefined) return known;
  const html = await tryMarkdown(text, undefined);
  if (html === undefined) return plainDocument(text);
  prose.keep(text, html, 2 * (text.length + html.length));
  return html;
}

const nothingRead = { only: undefined, hunkCount: 0, viewedCount: 0, viewedSteps: 0, nextStep: undefined };

/** Among all steps those that are read stand folded. */
const isFoldedAway = ({ isViewed }: { isViewed: boolean }, only: number | undefined): boolean =>
  isViewed && only === undefined;

function newestState(newest: Tutorial | undefined, branch: Branch): Guide['newest'] {
  const isNewest = newest?.revision === branch.revision;
  return { state: isNewest ? newest.state : 'none', message: isNewest ? newest.message : undefined };
}

function onlyOf(wanted: GuideWish['only'], steps: { count: number; next: number }): number | undefined {
  if (wanted === undefined || steps.count === 0) return undefined;
  return wanted === 'next' ? steps.next : Math.min(wanted, steps.count);
}

function countViewed(
  steps: readonly TutorialStep[],
  diff: Diff,
  viewed: ReadonlySet<string>,
): { viewedCount: number; isViewed: boolean }[] {
  // Whoever has viewed nothing does not wait for the marks of a large difference.
  if (viewed.size === 0) return steps.map(() => ({ viewedCount: 0, isViewed: false }));
  const marks = hunkMarks(diff.files);
  return steps.map(({ hunks }) => {
    const viewedCount = hunks.filter((key) => viewed.has(marks.get(keyOf(key)) ?? '')).length;
    return { viewedCount, isViewed: viewedCount === hunks.length };
  });
}
