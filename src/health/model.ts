// What the forge says of itself: whether it is ready, what its loops do, and what somebody should see to.
import { z } from 'zod';
import { loopStates } from '../lib/loop.ts';

/** What must work for the forge to be of use to anybody. */
export const checkNames = ['database', 'disk', 'git', 'hooks', 'ssh', 'loops'] as const;
export type CheckName = (typeof checkNames)[number];

export interface Check {
  name: CheckName;
  /** Why it fails, in a sentence for the operator; undefined when all is well. */
  fault: string | undefined;
}

/** Something that somebody should see to. A `fault` keeps people from working; a `warning` will, or spoils something. */
export interface Problem {
  severity: 'fault' | 'warning';
  /** What is wrong, in a sentence. */
  what: string;
  /** What to do about it, in a sentence or two. */
  todo: string;
  /** The page on which it is seen or done. */
  link?: string | undefined;
}

const time = z.string().nullable();

export const loopView = z.object({
  name: z.string(),
  state: z.enum(loopStates),
  disabled: z.string().nullable(),
  lastSuccessAt: time,
  lastError: z.string().nullable(),
  lastErrorAt: time,
  failures: z.number(),
  passes: z.number(),
  lastMs: z.number().nullable(),
  activeSince: time,
});
export type LoopView = z.infer<typeof loopView>;

export const healthView = z.object({
  ready: z.boolean(),
  version: z.string(),
  startedAt: z.string(),
  checks: z.array(z.object({ name: z.enum(checkNames), fault: z.string().nullable() })),
  problems: z.array(
    z.object({
      severity: z.enum(['fault', 'warning']),
      what: z.string(),
      todo: z.string(),
      link: z.string().nullable(),
    }),
  ),
  loops: z.array(loopView),
});
export type HealthView = z.infer<typeof healthView>;
