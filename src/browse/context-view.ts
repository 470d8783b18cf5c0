// Lines of a file for a reader who asks for more than a difference shows: those of a gap between two hunks, from its
// top, from its end, or all of it.
import { z } from 'zod';
import type { Forge } from '../forge/open.ts';
import { readBlob } from '../git/objects.ts';
import type { TreeEntry } from '../git/tree.ts';
import { ForgeError } from '../lib/errors.ts';
import type { Gap } from '../repos/diff-gaps.ts';
import { repoPath } from '../repos/path.ts';
import { highlightFile } from '../web/highlight.ts';
import { segmentsAt, type Segment } from '../web/line-colours.ts';
import { isBinary } from './blob.ts';
import type { Place } from './place.ts';

const linesAtOnce = 20;
// A whole gap beyond this comes in several parts.
const maxLines = 5000;
const maxLineLength = 4000;

export const contextQuery = z.object({
  /** The gap by numbers of its lines, `12-40`, or `12-` up to the end of the file. */
  context: z
    .string()
    .regex(
      /^[1-9]\d{0,8}-(?:\d{1,9})?$/,
      'context: lines are written as 12-40, or 12- for all up to the end.',
    )
    .optional(),
  which: z.enum(['down', 'up', 'all']).default('all'),
  offset: z.coerce.number().int().min(-1_000_000_000).max(1_000_000_000).default(0),
  sides: z.enum(['1', '2']).default('1'),
});

interface ContextRow {
  number: number;
  segments: Segment[];
  cut: number | undefined;
}

export interface ContextView {
  above: ContextRow[];
  below: ContextRow[];
  gap: Gap | undefined;
  offset: number;
  isSplit: boolean;
  fileHref: string;
}

/** What `_context.njk` shows; refuses (`not_found`) a file without lines of text, and (`too_large`) a very large one. */
export async function contextView(
  forge: Forge,
  place: Place,
  wanted: { entry: Omit<TreeEntry, 'name'>; query: z.output<typeof contextQuery> },
): Promise<ContextView> {
  const { entry, query } = wanted;
  const isFile = entry.kind !== 'folder' && entry.kind !== 'submodule';
  const maxBytes = forge.config.limits.maxShownFileBytes;
  const folder = repoPath(forge, place.repo.id);
  const content = isFile ? await readBlob(forge.git, folder, entry.oid, maxBytes) : undefined;
  if (content === undefined || isBinary(content))
    throw new ForgeError('not_found', 'This file has no lines of text to show.');
  // Read as the difference is read, whatever else the page of the file makes of its bytes.
  const text = content.toString('utf8');
  const lines = text.split('\n');
  // The newline at the end of a file ends its last line and begins no other.
  if (lines.at(-1) === '') lines.pop();
  const colours = await highlightFile({ oid: entry.oid, path: place.path, text });
  const range = rangeOf(query.context ?? '1-', lines.length);
  const cut = cutGap(range, query.which);
  const rows = ([from, to]: Lines): ContextRow[] =>
    lines.slice(from - 1, to).map((line, index) => {
      const at = from - 1 + index;
      return rowOf(line, at + 1, segmentsAt(colours, at, line));
    });
  const left = cut.left === undefined ? undefined : gapOf(cut.left, query);
  return {
    above: rows(cut.above),
    below: rows(cut.below),
    gap: left,
    offset: query.offset,
    isSplit: query.sides === '2',
    fileHref: place.url('blob'),
  };
}

/** First and last line; none when the first is behind the last. */
type Lines = [from: number, to: number];
const none: Lines = [1, 0];

function rangeOf(context: string, count: number): Lines {
  const [from = '', to = ''] = context.split('-');
  return [Number(from), Math.min(to === '' ? count : Number(to), count)];
}

/** Which lines go above the line of the hunk, which below, and which are still left out. */
function cutGap(
  [from, to]: Lines,
  which: 'down' | 'up' | 'all',
): { above: Lines; below: Lines; left: Lines | undefined } {
  const size = which === 'all' ? maxLines : linesAtOnce;
  const isUp = which === 'up';
  const above: Lines = isUp ? none : [from, Math.min(to, from + size - 1)];
  const below: Lines = isUp ? [Math.max(from, to - size + 1), to] : none;
  const left: Lines = isUp ? [from, below[0] - 1] : [above[1] + 1, to];
  return { above, below, left: left[0] > left[1] ? undefined : left };
}

/** A gap that was open at its end stays so: nobody has to know where the file ends. */
function gapOf([from, to]: Lines, { context = '', offset }: z.output<typeof contextQuery>): Gap {
  const isOpen = context.endsWith('-');
  return { from, to: isOpen ? undefined : to, offset, lines: isOpen ? undefined : to - from + 1 };
}

function rowOf(line: string, number: number, colours: Segment[] | undefined): ContextRow {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line;
  const isLong = text.length > maxLineLength;
  const plain: Segment[] = [['', text.slice(0, maxLineLength)]];
  const fits = colours !== undefined && !isLong && !line.endsWith('\r');
  return {
    number,
    segments: fits ? colours : plain,
    cut: isLong ? text.length - maxLineLength : undefined,
  };
}
