// The lines that a thread is about, in the commit where it was written.
import type { Revision } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import { pathOfText } from '../git/git-path.ts';
import { readBlob, treeOf } from '../git/objects.ts';
import { findEntry } from '../git/tree.ts';
import { ForgeError } from '../lib/errors.ts';
import { repoPath } from '../repos/path.ts';
import type { ContextLine, Side } from './model.ts';

const maxFileBytes = 20 * 1024 * 1024;
const linesAround = 3;
const maxContextLines = 20;
const maxLineLength = 400;

/** The commit whose files a side of a revision shows; undefined for what was before when nothing was. */
export const commitOf = (revision: Revision, side: Side): string | undefined =>
  side === 'new' ? revision.headOid : revision.baseOid;

/** The id of the file at a path of a commit; undefined when there is none, or it is no file. */
export async function findFile(
  forge: Forge,
  where: { repoId: number; commit: string; path: string },
): Promise<string | undefined> {
  const repo = repoPath(forge, where.repoId);
  const tree = await treeOf(forge.git, repo, where.commit);
  const entry = await findEntry(forge.git, repo, { tree, path: pathOfText(where.path) });
  return entry?.kind === 'file' || entry?.kind === 'symlink' ? entry.oid : undefined;
}

/** The lines of a range with those around it; refuses (`invalid`) a range that the file does not have. */
export async function readContext(
  forge: Forge,
  place: { repoId: number; oid: string; path: string; firstLine: number; lastLine: number },
): Promise<ContextLine[]> {
  const content = await readBlob(forge.git, repoPath(forge, place.repoId), place.oid, maxFileBytes);
  const lines = (content?.toString('utf8') ?? '').split('\n');
  if (lines.at(-1) === '') lines.pop();
  if (place.lastLine > lines.length) {
    throw new ForgeError(
      'invalid',
      `line: ${place.path} has ${lines.length} lines there; choose one of them, or comment on the whole file.`,
    );
  }
  const { from, to } = contextOf({ ...place, lines: lines.length });
  return lines.slice(from - 1, to).map((text, index) => contextLine(from + index, text));
}

/** The first and the last line that are kept with a thread about some. A long range keeps its end: the comment stands below it. */
export function contextOf(range: { firstLine: number; lastLine: number; lines: number }): {
  from: number;
  to: number;
} {
  const to = Math.min(range.lines, range.lastLine + linesAround);
  return { from: Math.max(1, range.firstLine - linesAround, to - maxContextLines + 1), to };
}

export const contextLine = (number: number, text: string): ContextLine => ({
  number,
  text: text.replace(/\r$/, '').slice(0, maxLineLength),
});

/** Refuses (`invalid`) a range that is turned about, or longer than a comment may be about. */
export function checkRange(forge: Forge, { firstLine, line }: { firstLine: number; line: number }): void {
  const { maxCommentedLines } = forge.config.limits;
  if (firstLine > line) throw new ForgeError('invalid', 'firstLine: a range ends behind its first line.');
  if (line - firstLine < maxCommentedLines) return;
  throw new ForgeError(
    'invalid',
    `firstLine: a comment is about at most ${maxCommentedLines} lines; comment on the whole file.`,
  );
}
