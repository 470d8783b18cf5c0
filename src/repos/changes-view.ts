// A difference as pages show it: the tree of files at the left, their differences at the right, the first ones at
// once and the rest as they are reached.
import type { Forge } from '../forge/open.ts';
import type { Diff, DiffFile } from '../git/diff.ts';
import { encodePath, pathOfText } from '../git/git-path.ts';
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

export interface ChangesPart {
  files: (FileView & { href: string | undefined; images?: ImageSide[] | undefined })[];
  /** Where the next files are; undefined behind the last. */
  moreHref: string | undefined;
  left: number;
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
  /** The address of the files from the given one on. */
  moreHref: (from: number) => string;
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

/** The files from the one numbered `from` on, as many as fit on a page. */
export const viewFilesFrom = (forge: Forge, shown: ShownDiff & { from: number }): Promise<ChangesPart> =>
  viewPart(forge, shown, { from: shown.from, most: shown.from === 0 ? filesAtOnce : filesPerPart });

async function viewPart(
  forge: Forge,
  shown: ShownDiff,
  part: { from: number; most?: number; first?: ShownDiff['first'] },
): Promise<ChangesPart> {
  const { repoId, diff, ignoresSpace } = shown;
  const { from, first, most = first?.files ?? filesAtOnce } = part;
  findMoves(diff);
  const files = fitting(diff.files.slice(from, from + most));
  const end = from + files.length;
  const left = Math.max(0, diff.files.length - end);
  const patience = first && patienceOf(first.patienceMs);
  const views = await Promise.all(
    files.map(async (file) => {
      const view = await viewFile(forge, { repoId, file, patience, ignoresSpace });
      const images = await imagePair(forge, { repoId, file, bases: shown.rawBases });
      return { ...view, href: hrefOf(file, shown.filesBase), images };
    }),
  );
  return {
    files: views,
    moreHref: left > 0 ? shown.moreHref(end) : undefined,
    left,
    isWaiting: views.some(({ isWaiting }) => isWaiting),
    againHref: shown.moreHref(from),
  };
}

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
