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
  let found = await part.look();
  if (found.length === 0) return [{ level: 'ok', what: part.fine }];
  if (!mend) return found.map(toFinding);
  const seen = new Set(found.map(({ what }) => what));
  const tried = new Map<string, string | undefined>();
  // What could not be looked at before may show more to mend. Nothing is tried twice, so this ends.
  for (let names = namesToTry(part, found, tried); names.length > 0; names = namesToTry(part, found, tried)) {
    for (const name of names) tried.set(name, await tryMend(part, name));
    found = await part.look();
    for (const { what } of found) seen.add(what);
  }
  const stays = new Set(found.map(({ what }) => what));
  return [
    ...[...seen].filter((what) => !stays.has(what)).map((what): Finding => ({ level: 'mended', what })),
    ...found.map((problem) => left(problem, tried)),
  ];
}

const namesToTry = (part: Part, found: readonly Problem[], tried: ReadonlyMap<string, unknown>): string[] =>
  Object.keys(part.mends ?? {}).filter(
    (name) => !tried.has(name) && found.some((problem) => problem.mend === name),
  );

/** Answers why it failed, or undefined. */
async function tryMend(part: Part, name: string): Promise<string | undefined> {
  try {
    await part.mends?.[name]?.();
    return undefined;
  } catch (error) {
    return errorMessage(error);
  }
}

/** What is still found after every mend. */
function left(problem: Problem, tried: ReadonlyMap<string, string | undefined>): Finding {
  const { level, what, advice, mend } = problem;
  if (mend === undefined) return toFinding(problem);
  const why = tried.get(mend);
  const said = why === undefined ? 'Mending did not help.' : `It could not be mended: ${why}`;
  return {
    level: 'error',
    what,
    advice: level === 'error' && advice !== undefined ? `${said} ${advice}` : said,
  };
}

const toFinding = ({ level, what, advice, mend }: Problem): Finding => ({
  level,
  what,
  advice:
    mend === undefined ? (advice ?? 'This is left to you.') : 'pika-git doctor --mend puts it in order.',
});
