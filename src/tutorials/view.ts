// A tutorial with its hunks, ready for the template.
import { diffBetween } from '../repos/diff-between.ts';
import { hrefOf } from '../repos/changes-view.ts';
import { pathOf, viewFile, type FileView } from '../repos/file-view.ts';
import { getRevision } from '../branches/find.ts';
import type { Branch } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import type { Diff, DiffFile } from '../git/diff.ts';
import { renderMarkdown } from '../web/markdown.ts';
import { newestTutorial, shownTutorial } from './find.ts';
import { hunkMarks, keyOf } from './hunk-mark.ts';
import type { Tutorial, TutorialState, TutorialStep, WriterUsage } from './model.ts';
import { viewedMarks } from './view-step.ts';

/** A file as far as a step is about it. */
export interface StepFile extends FileView {
  file: DiffFile;
  href?: string | undefined;
}

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
  /** None while another step is read alone. */
  files: StepFile[];
}

export interface Guide {
  state: TutorialState | 'none';
  message: string | undefined;
  writer: string | undefined;
  usage: WriterUsage | undefined;
  /** The revision it explains, and the one the branch is at. */
  revision: number | undefined;
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
}

export interface GuideWish {
  /** Whose marks are shown. */
  viewerId?: number | undefined;
  /** One step alone: this one, or the first that is not viewed. */
  only?: number | 'next' | undefined;
  /** Where the whole files of a commit stand, given its object id. */
  filesBase?: ((headOid: string) => string) | undefined;
}

// Steps beyond this many hunks start folded, so that a huge branch still opens at once.
const maxOpenHunks = 60;
// Beyond this many lines the page would be too large to read and to send; the Changes tab comes in parts.
const maxLines = 20_000;

export async function tutorialSections(forge: Forge, branch: Branch, wish: GuideWish = {}): Promise<Guide> {
  const tutorial = shownTutorial(forge, branch.id);
  const newest = newestTutorial(forge, branch.id);
  const guide = {
    state: tutorial?.state ?? ('none' as const),
    message: tutorial?.message,
    writer: tutorial?.writer,
    usage: tutorial?.usage,
    revision: tutorial?.revision,
    current: branch.revision,
    newest: newestState(newest, branch),
  };
  if (tutorial?.body === undefined) return { ...guide, ...nothingRead, steps: undefined, truncated: false };
  const { baseOid, headOid } = getRevision(forge, branch.id, tutorial.revision);
  const diff = await diffBetween(forge, { repoId: branch.repoId, baseOid, headOid });
  const counted = countViewed(tutorial.body.steps, diff, viewedMarks(forge, branch, wish.viewerId));
  const first = counted.findIndex(({ isViewed }) => !isViewed) + 1;
  const only = onlyOf(wish.only, { count: counted.length, next: first || 1 });
  const budget = { lines: maxLines };
  const filesBase = wish.filesBase?.(headOid);
  const steps: StepView[] = [];
  let shown = 0;
  for (const [index, step] of tutorial.body.steps.entries()) {
    const number = index + 1;
    const progress = counted[index] ?? { viewedCount: 0, isViewed: false };
    shown += step.hunks.length;
    const open = only === number || (only === undefined && !step.folded && shown <= maxOpenHunks);
    const place = { branch, diff, step, number, budget, filesBase, isLeftOut: (only ?? number) !== number };
    steps.push({
      ...(await viewStepOf(forge, place)),
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
  };
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

interface StepPlace {
  branch: Branch;
  diff: Diff;
  step: TutorialStep;
  number: number;
  /** Lines that the rest of the page may have. */
  budget: { lines: number };
  filesBase: string | undefined;
  /** Another step is read alone: this one is named only. */
  isLeftOut: boolean;
}

async function viewStepOf(
  forge: Forge,
  place: StepPlace,
): Promise<Omit<StepView, 'open' | 'viewedCount' | 'isViewed'>> {
  const { step, number } = place;
  const isShown = !place.isLeftOut;
  return {
    number,
    title: step.title,
    intent: step.intent,
    prose: isShown && step.prose !== '' ? await renderMarkdown(step.prose) : '',
    hunkCount: step.hunks.length,
    files: isShown ? await Promise.all(filesOf(place).map((shown) => viewStepFile(forge, shown, place))) : [],
  };
}

interface FilePart {
  file: DiffFile;
  hunks: DiffFile['hunks'];
  maxLines: number;
}

function filesOf({ step, diff, budget }: StepPlace): FilePart[] {
  const wanted = new Map<string, Set<number>>();
  for (const { path, hunk } of step.hunks) wanted.set(path, (wanted.get(path) ?? new Set()).add(hunk));
  return diff.files.flatMap((file) => {
    const numbers = wanted.get(pathOf(file));
    if (numbers === undefined) return [];
    const hunks = file.hunks.filter((_, index) => numbers.has(index));
    const maxLines = budget.lines;
    budget.lines -= hunks.reduce((sum, hunk) => sum + hunk.lines.length, 0);
    return [{ file, hunks, maxLines }];
  });
}

async function viewStepFile(forge: Forge, part: FilePart, place: StepPlace): Promise<StepFile> {
  const view = await viewFile(forge, { repoId: place.branch.repoId, ...part });
  const anchor = `step-${place.number}-${view.anchor}`;
  return { ...view, anchor, file: part.file, href: hrefOf(part.file, place.filesBase) };
}
