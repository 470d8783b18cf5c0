import { z } from 'zod';

export const tutorialStates = ['queued', 'running', 'ready', 'failed'] as const;
export type TutorialState = (typeof tutorialStates)[number];

/** A hunk of a diff by its file (the new path, or the old one when deleted) and its place in that file. */
export const hunkKey = z.object({ path: z.string(), hunk: z.number().int().min(0) });
export type HunkKey = z.infer<typeof hunkKey>;

export const tutorialStep = z.object({
  title: z.string(),
  /** One sentence: why this step exists. */
  intent: z.string(),
  /** Markdown. */
  prose: z.string(),
  /** Files without hunks (binary, mode, rename) count as hunk 0. */
  hunks: z.array(hunkKey),
  folded: z.boolean(),
});
export type TutorialStep = z.infer<typeof tutorialStep>;

export const tutorialBody = z.object({ summary: z.string(), steps: z.array(tutorialStep) });
export type TutorialBody = z.infer<typeof tutorialBody>;

/** What a writer other than `outline` was asked and what it took; the numbers of tokens are the writer's own. */
export const writerUsage = z.object({
  model: z.string(),
  /** Hunks whose lines it saw, of how many. */
  shownHunks: z.number(),
  allHunks: z.number(),
  inputTokens: z.number().optional(),
  outputTokens: z.number().optional(),
});
export type WriterUsage = z.infer<typeof writerUsage>;

export interface Tutorial {
  id: number;
  branchId: number;
  revision: number;
  state: TutorialState;
  writer: string;
  /** While a slow writer is at it, the outline. */
  body: TutorialBody | undefined;
  /** Why there is none, or why it is not by the writer that was asked. */
  message: string | undefined;
  usage: WriterUsage | undefined;
  createdAt: number;
  finishedAt: number | undefined;
}

/** What one account has read of a step. */
export const stepProgress = z.object({
  step: z.number(),
  /** The revision that the tutorial explains. */
  revision: z.number(),
  hunks: z.number(),
  viewedHunks: z.number(),
});
export type StepProgress = z.infer<typeof stepProgress>;

export const viewStepRequest = z.strictObject({
  /** The revision whose tutorial was read; any without it. */
  revision: z.number().int().min(1).optional(),
});

export const writeAnswer = z.object({ state: z.enum(tutorialStates), revision: z.number() });
