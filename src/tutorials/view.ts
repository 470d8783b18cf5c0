// A tutorial with its hunks, ready for the template.
import { diffBetween } from '../repos/diff-between.ts';
import { pathOf, viewFile, type FileView } from '../repos/file-view.ts';
import { getRevision } from '../branches/find.ts';
import type { Branch } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import type { Diff } from '../git/diff.ts';
import { renderMarkdown } from '../web/markdown.ts';
import { newestTutorial } from './find.ts';
import type { TutorialState, TutorialStep, WriterUsage } from './model.ts';

export interface StepView {
  number: number;
  title: string;
  intent: string;
  /** HTML of the step's Markdown. */
  prose: string;
  hunkCount: number;
  open: boolean;
  files: FileView[];
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
  hunkCount: number;
  /** Not all of the difference is in the steps: it is over the limits. */
  truncated: boolean;
}

// Steps beyond this many hunks start folded, so that a huge branch still opens at once.
const maxOpenHunks = 60;
// Beyond this many lines the page would be too large to read and to send; the Changes tab comes in parts.
const maxLines = 20_000;

export async function tutorialSections(forge: Forge, branch: Branch): Promise<Guide> {
  const tutorial = newestTutorial(forge, branch.id);
  const guide = {
    state: tutorial?.state ?? ('none' as const),
    message: tutorial?.message,
    writer: tutorial?.writer,
    usage: tutorial?.usage,
    revision: tutorial?.revision,
    current: branch.revision,
  };
  if (tutorial?.body === undefined) return { ...guide, steps: undefined, hunkCount: 0, truncated: false };
  const { baseOid, headOid } = getRevision(forge, branch.id, tutorial.revision);
  const diff = await diffBetween(forge, { repoId: branch.repoId, baseOid, headOid });
  const steps: StepView[] = [];
  let shown = 0;
  const budget = { lines: maxLines };
  for (const [index, step] of tutorial.body.steps.entries()) {
    shown += step.hunks.length;
    const open = !step.folded && shown <= maxOpenHunks;
    steps.push(await viewStep(forge, { branch, diff, step, number: index + 1, open, budget }));
  }
  return { ...guide, steps, hunkCount: shown, truncated: diff.truncated };
}

interface StepPlace {
  branch: Branch;
  diff: Diff;
  step: TutorialStep;
  number: number;
  open: boolean;
  /** Lines that the rest of the page may have. */
  budget: { lines: number };
}

async function viewStep(forge: Forge, place: StepPlace): Promise<StepView> {
  const { step, diff, branch } = place;
  const wanted = new Map<string, Set<number>>();
  for (const { path, hunk } of step.hunks) wanted.set(path, (wanted.get(path) ?? new Set()).add(hunk));
  const files = diff.files.flatMap((file) => {
    const numbers = wanted.get(pathOf(file));
    if (numbers === undefined) return [];
    const hunks = file.hunks.filter((_, index) => numbers.has(index));
    const maxLines = place.budget.lines;
    place.budget.lines -= hunks.reduce((sum, hunk) => sum + hunk.lines.length, 0);
    return [{ repoId: branch.repoId, file, hunks, maxLines }];
  });
  return {
    number: place.number,
    title: step.title,
    intent: step.intent,
    prose: step.prose === '' ? '' : await renderMarkdown(step.prose),
    hunkCount: step.hunks.length,
    open: place.open,
    files: await Promise.all(
      files.map(async (file) => {
        const view = await viewFile(forge, file);
        return { ...view, anchor: `step-${place.number}-${view.anchor}` };
      }),
    ),
  };
}
