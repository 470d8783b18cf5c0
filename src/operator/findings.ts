// What doctor finds. A part of the forge is looked at, what is wrong is mended if that is asked for and safe, and then
// it is looked at again: only what a second look does not find any more counts as mended.
import { z } from 'zod';
import { errorMessage } from '../lib/errors.ts';

export const findingSchema = z.object({
  level: z.enum(['ok', 'mended', 'warning', 'error']),
  what: z.string(),
  advice: z.string().optional(),
});
export type Finding = z.infer<typeof findingSchema>;

export interface Problem {
  level: 'warning' | 'error';
  what: string;
  /** What to do about it by hand. */
  advice?: string;
  /** The name of what mends it, among the mends of its part; without one it is left to people. */
  mend?: string;
}

export interface Part {
  /** What to say when nothing is wrong. */
  fine: string;
  look: () => Promise<Problem[]>;
  /** In the order in which they are to be done. Each may be done on what is in order, and changes nothing then. */
  mends?: Readonly<Record<string, () => Promise<unknown>>>;
}

export async function examinePart(part: Part, mend: boolean): Promise<Finding[]> {
  const found = await part.look();
  if (found.length === 0) return [{ level: 'ok', what: part.fine }];
  if (!mend || found.every((problem) => problem.mend === undefined)) return found.map(toFinding);
  const failed: Finding[] = [];
  for (const [name, mendIt] of Object.entries(part.mends ?? {})) {
    if (!found.some((problem) => problem.mend === name)) continue;
    try {
      await mendIt();
    } catch (error) {
      failed.push({ level: 'error', what: `${part.fine}: ${name} failed: ${errorMessage(error)}` });
    }
  }
  const left = await part.look();
  const stays = new Set(left.map(({ what }) => what));
  const mended = found.filter(({ what }) => !stays.has(what));
  return [
    ...mended.map(({ what }): Finding => ({ level: 'mended', what })),
    ...left.map((problem) => ({
      ...toFinding(problem),
      advice: problem.advice ?? 'This could not be mended.',
    })),
    ...failed,
  ];
}

const toFinding = ({ level, what, advice, mend }: Problem): Finding => ({
  level,
  what,
  advice:
    mend === undefined ? (advice ?? 'This is left to you.') : 'pika-git doctor --mend puts it in order.',
});
