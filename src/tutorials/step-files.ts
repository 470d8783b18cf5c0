// The files of a step, as many as a page shows at once.
import type { Forge } from '../forge/open.ts';
import type { Diff, DiffFile, Hunk } from '../git/diff.ts';
import { hrefOf } from '../repos/changes-view.ts';
import { pathOf, viewFile, type FileView, type Patience } from '../repos/file-view.ts';
import { imagePair, type ImageSide, type RawBases } from '../repos/image-pair-view.ts';
import type { TutorialStep } from './model.ts';

/** A file as far as a step is about it. */
export interface StepFile extends FileView {
  file: DiffFile;
  /** All hunks of it that the step has, also lines that are too many to show. */
  wanted: readonly Hunk[];
  /** No earlier step has hunks of this file. */
  isFirst: boolean;
  href?: string | undefined;
  images?: ImageSide[] | undefined;
}

export interface StepPage {
  repoId: number;
  diff: Diff;
  filesBase: string | undefined;
  rawBases: RawBases | undefined;
  /** Until when colours are waited for. */
  patience: Patience | undefined;
  /** The first file to show of a step, counted from 0. */
  from: number;
  /** What the rest of the page may have. */
  budget: { files: number; lines: number };
  /** The paths that earlier steps have hunks of. */
  seen: ReadonlySet<string>;
}

interface FilePart {
  file: DiffFile;
  hunks: readonly Hunk[];
}

export async function viewStepFiles(
  forge: Forge,
  { step, number, page }: { step: TutorialStep; number: number; page: StepPage },
): Promise<{ files: StepFile[]; left: number; nextFile: number }> {
  const { diff, from, budget } = page;
  const parts = partsOf(step, diff);
  const shown: FilePart[] = [];
  for (const part of parts.slice(from)) {
    if (budget.files <= 0 || budget.lines <= 0) break;
    shown.push(part);
    budget.files -= 1;
    budget.lines -= part.hunks.reduce((sum, hunk) => sum + hunk.lines.length, 0);
  }
  const files = await Promise.all(shown.map((part) => viewPart(forge, part, { number, page })));
  const nextFile = from + shown.length;
  return { files, left: Math.max(0, parts.length - nextFile), nextFile };
}

function partsOf(step: TutorialStep, diff: Diff): FilePart[] {
  const wanted = new Map<string, Set<number>>();
  for (const { path, hunk } of step.hunks) wanted.set(path, (wanted.get(path) ?? new Set()).add(hunk));
  return diff.files.flatMap((file) => {
    const numbers = wanted.get(pathOf(file));
    if (numbers === undefined) return [];
    return [{ file, hunks: file.hunks.filter((_, index) => numbers.has(index)) }];
  });
}

async function viewPart(
  forge: Forge,
  { file, hunks }: FilePart,
  { number, page }: { number: number; page: StepPage },
): Promise<StepFile> {
  const { repoId, patience, rawBases } = page;
  const view = await viewFile(forge, { repoId, file, hunks, patience });
  return {
    ...view,
    anchor: `step-${number}-${view.anchor}`,
    file,
    wanted: hunks,
    isFirst: !page.seen.has(pathOf(file)),
    href: hrefOf(file, page.filesBase),
    images: await imagePair(forge, { repoId, file, bases: rawBases }),
  };
}
