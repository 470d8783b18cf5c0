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

export interface Tutorial {
  id: number;
  branchId: number;
  revision: number;
  state: TutorialState;
  writer: string;
  body: TutorialBody | undefined;
  message: string | undefined;
  createdAt: number;
  finishedAt: number | undefined;
}
