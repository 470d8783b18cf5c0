// A difference as pages show it: the tree of files at the left, their differences at the right, the first ones at
// once and the rest as they are reached.
import { z } from 'zod';
import type { Forge } from '../forge/open.ts';
import type { Diff, DiffFile } from '../git/diff.ts';
import { encodePath, pathOfText } from '../git/git-path.ts';
import { ForgeError } from '../lib/errors.ts';
import { visibleName } from '../web/filters.ts';
import { patienceOf } from '../web/render-pool.ts';
import { anchorOfFile, pathOf, statusMarks, viewFile, type FileView } from './file-view.ts';
import { imagePair, type ImageSide, type RawBases } from './image-pair-view.ts';
import { findMoves } from './moved-lines.ts';

const filesAtOnce = 30;
// What is fetched while somebody scrolls must not hold up the scrolling.
const filesPerPart = 10;
// A page stops before its next file when it has this many lines.
const linesAtOnce = 5000;

interface TreeFile {
  name: string;
  anchor: string;
  letter: string;
  statusClass: FileView['statusClass'];
  /** Widths of the size bar, in a box of 28 units. */
  plus: number;
  minus: number;
  title: string;
}

interface TreeFolder {
  name: string;
  files: TreeFile[];
}

/** Which files of a difference an address asks for. */
export const partQuery = z.object({
  /** The number of the first, counted from 0. */
  from: z.coerce.number().int().min(0).default(0),
  /** The number behind the last, where those from there on are on the page already. */
  until: z.coerce.number().int().positive().optional(),
  /** The anchor of the one to go to; those before it are passed over. */
  at: z
    .string()
    .regex(/^file-[0-9a-f]{12}$/, 'expected the anchor of a file')
    .optional(),
});
export type WantedPart = z.output<typeof partQuery>;

export interface ChangesPart {
  /** The number of the first file in the difference. */
  from: number;
  /** What was passed over to get there. */
  between: { count: number; href: string } | undefined;
  files: (FileView & { href: string | undefined; images?: ImageSide[] | undefined })[];
  /** Where the next files are; undefined behind the last. */
  moreHref: string | undefined;
  left: number;
  /** What follows them is on the page already. */
  isBetween: boolean;
  /** Some of the colours were not made in time; `againHref` has the same files with them. */
  isWaiting: boolean;
  againHref: string;
}

export interface ChangesView extends ChangesPart {
  folders: TreeFolder[];
  count: number;
  added: number;
  removed: number;
  truncated: boolean;
}

export interface ShownDiff {
  repoId: number;
  diff: Diff;
  /** It was read without what differs in white space alone. */
  ignoresSpace?: boolean | undefined;
  /** The address of the files from the given one on, or of those up to another. */
  moreHref: (from: number, until?: number) => string;
  /** The commit whose files they are, as a folder of addresses that ends with a slash. */
  filesBase?: string;
  /** Where the images of both commits are. */
  rawBases?: RawBases;
  /** How the page begins: with so many files, whose colours are waited for so long; a script fetches the rest. */
  first?: { files: number; patienceMs: number };
}

/** The tree of all files, and the first files themselves. */
export async function viewChanges(forge: Forge, shown: ShownDiff): Promise<ChangesView> {
  const { files, truncated } = shown.diff;
  return {
    folders: treeOf(files),
    count: files.length,
    added: files.reduce((sum, file) => sum + file.added, 0),
    removed: files.reduce((sum, file) => sum + file.removed, 0),
    truncated,
    ...(await viewPart(forge, shown, { from: 0, first: shown.first })),
  };
}

/** The files that are asked for, as many as fit on a page. Refuses (`not_found`) one to go to that is not among them. */
export async function viewFilesFrom(
  forge: Forge,
  { from: asked, until, at, ...shown }: ShownDiff & WantedPart,
): Promise<ChangesPart> {
  const { files } = shown.diff;
  const end = Math.min(until ?? files.length, files.length);
  const isWanted = (file: DiffFile, index: number): boolean =>
    index >= asked && index < end && anchorOfFile(file) === at;
  const from = at === undefined ? asked : files.findIndex(isWanted);
  if (from < 0) throw new ForgeError('not_found', 'That file is not in this part of the difference.');
  const most = Math.min(from === 0 ? filesAtOnce : filesPerPart, Math.max(0, end - from));
  const part = await viewPart(forge, shown, { from, most, until });
  if (from === asked) return part;
  return { ...part, between: { count: from - asked, href: shown.moreHref(asked, from) } };
}

async function viewPart(
  forge: Forge,
  shown: ShownDiff,
  part: { from: number; most?: number; until?: number | undefined; first?: ShownDiff['first'] },
): Promise<ChangesPart> {
  const { repoId, diff, ignoresSpace } = shown;
  const { from, until, first, most = first?.files ?? filesAtOnce } = part;
  findMoves(diff);
  const files = fitting(diff.files.slice(from, from + most));
  const end = from + files.length;
  const left = Math.max(0, Math.min(until ?? diff.files.length, diff.files.length) - end);
  const patience = first && patienceOf(first.patienceMs);
  const views = await Promise.all(
    files.map(async (file) => {
      const view = await viewFile(forge, { repoId, file, patience, ignoresSpace });
      const images = await imagePair(forge, { repoId, file, bases: shown.rawBases });
      return { ...view, href: hrefOf(file, shown.filesBase), images };
    }),
  );
  return {
    from,
    between: undefined,
    files: views,
    moreHref: left > 0 ? shown.moreHref(end, until) : undefined,
    left,
    isBetween: until !== undefined,
    isWaiting: views.some(({ isWaiting }) => isWaiting),
    againHref: shown.moreHref(from),
  };
}

/** How an address asks for files from one on, up to another. */
export const partAddress = (from: number, until: number | undefined): string =>
  `from=${from}${until === undefined ? '' : `&until=${until}`}`;

/** Where the whole file is; undefined for one that is gone, is in another repository, or whose name is no text. */
export function hrefOf(file: DiffFile, base: string | undefined): string | undefined {
  const isElsewhere = file.status === 'deleted' || file.newMode === '160000';
  if (base === undefined || isElsewhere || file.newPath.includes('\uFFFD')) return undefined;
  return base + encodePath(pathOfText(file.newPath));
}

/** As many as fit on a page, one at least. */
function fitting(files: readonly DiffFile[]): DiffFile[] {
  let lines = 0;
  return files.filter((file, index) => {
    const isFitting = index === 0 || lines < linesAtOnce;
    lines += file.hunks.reduce((sum, hunk) => sum + hunk.lines.length, 0);
    return isFitting;
  });
}

/** Files by folder, both in git's order. */
function treeOf(files: readonly DiffFile[]): TreeFolder[] {
  const folders = new Map<string, TreeFile[]>();
  for (const file of files) {
    const path = pathOf(file);
    const slash = path.lastIndexOf('/');
    const folder = slash < 0 ? '' : visibleName(path.slice(0, slash));
    const list = folders.get(folder) ?? [];
    list.push(treeFile(file, path.slice(slash + 1)));
    folders.set(folder, list);
  }
  return [...folders].map(([name, list]) => ({ name, files: list }));
}

function treeFile(file: DiffFile, name: string): TreeFile {
  const total = file.added + file.removed;
  // The bar grows with the logarithm: ten lines are seen, a thousand still fit.
  const width = total === 0 ? 0 : Math.min(28, 4 + Math.log2(total) * 2.6);
  const plus = total === 0 ? 0 : (width * file.added) / total;
  return {
    name: visibleName(name),
    anchor: anchorOfFile(file),
    ...statusMarks[file.status],
    plus: Math.round(plus * 10) / 10,
    minus: Math.round((width - plus) * 10) / 10,
    title: `+${file.added} −${file.removed}`,
  };
}
