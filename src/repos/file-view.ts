// One changed file as pages show it: its head, its hunks as coloured rows, and why anything is folded or missing.
import { hash } from 'node:crypto';
import type { Forge } from '../forge/open.ts';
import type { DiffFile, Hunk } from '../git/diff.ts';
import { readObject } from '../git/object-reader.ts';
import { readBlob } from '../git/objects.ts';
import { ForgeError } from '../lib/errors.ts';
import { gapsOf, type Gap } from './diff-gaps.ts';
import { keptRows, makeRows, type HunkPlace } from './rows-view.ts';
import { hasMoves, moveOf } from './moved-lines.ts';
import { repoPath } from './path.ts';
import type { CodeRow } from '../web/diff-html.ts';
import type { Colours } from '../web/diff-rows.ts';
import { bytes, visible, visibleName } from '../web/filters.ts';
import { hasColours, highlightFile, languageOf } from '../web/highlight.ts';

export interface HunkView {
  oldStart: number;
  newStart: number;
  section: string;
  rows: readonly CodeRow[];
  gap: Gap | undefined;
}

export interface FileView {
  /** Stands in the URL of the page, and is the same for the same path. */
  anchor: string;
  status: DiffFile['status'];
  letter: string;
  statusClass: 'new' | 'changed' | 'gone' | 'renamed';
  folder: string;
  name: string;
  /** The name before a rename or copy. */
  oldName: string | undefined;
  added: number;
  removed: number;
  folded: boolean;
  /** Sentences about modes, binary content, and why something is folded or left out. */
  notes: string[];
  /** Each with the lines between it and what stands above. */
  hunks: HunkView[];
  /** The lines behind the last hunk. */
  tail: Gap | undefined;
  /** Its colours were not made in time, and will be there for whoever asks again. */
  isWaiting: boolean;
}

/** Resolves when a page waits no longer for colours. */
export type Patience = Promise<'late'>;

/** The letter of a status and the class that colours it, in the tree as at the head of a file. */
export const statusMarks = {
  added: { letter: 'A', statusClass: 'new' },
  modified: { letter: 'M', statusClass: 'changed' },
  deleted: { letter: 'D', statusClass: 'gone' },
  renamed: { letter: 'R', statusClass: 'renamed' },
  copied: { letter: 'C', statusClass: 'renamed' },
  type: { letter: 'T', statusClass: 'changed' },
} as const;
const maxHighlightBytes = 200_000;
const maxOpenLines = 800;
const maxShownLines = 5000;
const noOid = /^0+$/;

/** Why a path is folded at first, or undefined: what programs write is rarely what a reader looks for. */
export function generatedReason(path: string): string | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (
    /^(?:package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|Cargo\.lock|go\.sum|poetry\.lock|uv\.lock|composer\.lock|Gemfile\.lock|flake\.lock)$/.test(
      name,
    )
  ) {
    return 'Folded: a lock file, written by a package manager.';
  }
  if (/(?:^|\/)(?:vendor|third_party|node_modules)\//.test(path)) return 'Folded: vendored code.';
  if (
    /(?:^|\/)(?:dist|generated|__snapshots__)\//.test(path) ||
    /\.(?:min\.(?:js|css)|snap|pb\.go|map)$/.test(name)
  ) {
    return 'Folded: generated.';
  }
  return undefined;
}

export const anchorOf = (path: string): string => `file-${hash('sha256', path, 'hex').slice(0, 12)}`;

// The files of a kept difference are the same objects every time, and a page names each of them several times.
const anchors = new WeakMap<DiffFile, string>();

export function anchorOfFile(file: DiffFile): string {
  const anchor = anchors.get(file) ?? anchorOf(pathOf(file));
  anchors.set(file, anchor);
  return anchor;
}

/** The path by which a file is called: the new one, or the old one of a deleted file. */
export const pathOf = (file: Pick<DiffFile, 'status' | 'oldPath' | 'newPath'>): string =>
  file.status === 'deleted' ? file.oldPath : file.newPath;

export interface ShownFile {
  repoId: number;
  file: DiffFile;
  /** Those to show; all of the file's by default. */
  hunks?: readonly Hunk[];
  /** No more lines of them than this. */
  maxLines?: number;
  /** Until when colours are waited for; for ever by default. */
  patience?: Patience | undefined;
  /** The difference was read without what differs in white space alone. */
  ignoresSpace?: boolean | undefined;
}

export async function viewFile(forge: Forge, shown: ShownFile): Promise<FileView> {
  const { file } = shown;
  const wanted = shown.hunks ?? file.hunks;
  const hunks = cutHunks(wanted, Math.min(shown.maxLines ?? maxShownLines, maxShownLines));
  const path = pathOf(file);
  const slash = path.lastIndexOf('/') + 1;
  const lines = countLines(wanted);
  const lineCount = countLines(hunks);
  const reason =
    generatedReason(path) ?? (lines > maxOpenLines ? `Folded: ${lines} lines of difference.` : undefined);
  const gaps = gapsOf(file);
  const { rows, isWaiting } = await rowsOf(forge, shown, hunks);
  return {
    anchor: anchorOfFile(file),
    status: file.status,
    ...statusMarks[file.status],
    folder: visibleName(path.slice(0, slash)),
    name: visibleName(path.slice(slash)),
    oldName: file.status === 'renamed' || file.status === 'copied' ? visibleName(file.oldPath) : undefined,
    added: file.added,
    removed: file.removed,
    folded: reason !== undefined,
    notes: [
      ...(reason === undefined ? [] : [reason]),
      ...(lineCount < lines
        ? [`${lines - lineCount} more lines are left out here; fetch the branch to read them.`]
        : []),
      ...(await notesOf(forge, shown)),
    ],
    hunks: hunks.map((hunk, index) => ({
      oldStart: hunk.oldStart,
      newStart: hunk.newStart,
      section: visible(hunk.section),
      rows: markMoved(hunk, rows[index] ?? []),
      gap: gaps.get(wanted[index]),
    })),
    tail: lineCount < lines || wanted.at(-1) !== file.hunks.at(-1) ? undefined : gaps.get(undefined),
    isWaiting,
  };
}

const countLines = (hunks: readonly Hunk[]): number =>
  hunks.reduce((sum, hunk) => sum + hunk.lines.length, 0);

/** The first hunks, the last of them cut where the lines run out. */
function cutHunks(hunks: readonly Hunk[], maxLines: number): Hunk[] {
  let left = maxLines;
  const shown: Hunk[] = [];
  for (const hunk of hunks) {
    if (left <= 0) break;
    shown.push(hunk.lines.length <= left ? hunk : { ...hunk, lines: hunk.lines.slice(0, left) });
    left -= hunk.lines.length;
  }
  return shown;
}

/** Says of the blocks that `findMoves` found where they are on the other side. */
function markMoved(hunk: Hunk, rows: readonly CodeRow[]): readonly CodeRow[] {
  if (!hasMoves(hunk)) return rows;
  return rows.map((row, index) => {
    const line = hunk.lines[index];
    const move = line && moveOf(line);
    if (move === undefined) return row;
    const words = `moved ${row.kind === 'added' ? 'from' : 'to'} ${visibleName(move.path)}:${move.line}`;
    return { ...row, moved: { note: move.isFirst ? words : undefined } };
  });
}

/** The rows of each hunk: those that are kept, and nothing is read for them, or those with the colours of both sides. */
async function rowsOf(
  forge: Forge,
  shown: ShownFile,
  hunks: readonly Hunk[],
): Promise<{ rows: (readonly CodeRow[])[]; isWaiting: boolean }> {
  const { file, ignoresSpace = false } = shown;
  const places = hunks.map((hunk): HunkPlace => ({ file, hunk, ignoresSpace }));
  const known = places.map(keptRows).filter((rows) => rows !== undefined);
  if (known.length === places.length) return { rows: known, isWaiting: false };
  const painted = languageOf(pathOf(file)) === undefined ? plain : await coloursOf(forge, shown);
  return { rows: places.map((place) => makeRows(place, painted)), isWaiting: painted.isWaiting };
}

interface Painted {
  colours: Colours;
  /** They are being made. */
  isWaiting: boolean;
  /** Nobody who asks again gets more of them. */
  isFinal: boolean;
}

const plain: Painted = { colours: { before: undefined, after: undefined }, isWaiting: false, isFinal: true };

async function coloursOf(forge: Forge, { repoId, file, patience }: ShownFile): Promise<Painted> {
  const [before, after] = await Promise.all(
    [
      { oid: file.oldOid, path: file.oldPath, mode: file.oldMode },
      { oid: file.newOid, path: file.newPath, mode: file.newMode },
    ].map(async (side) => {
      if (noOid.test(side.oid) || side.mode === '160000') return none;
      let isPlain = languageOf(side.path) === undefined;
      const text = async (): Promise<string | undefined> => {
        const read = await readText(forge, repoId, side.oid);
        isPlain = read === undefined || !hasColours(side.path, read);
        return read;
      };
      const making = highlightFile({ oid: side.oid, path: side.path, text });
      const made = await (patience === undefined ? making : Promise.race([making, patience]));
      if (made === 'late') return { lines: undefined, isWaiting: true, isFinal: false };
      return { lines: made, isWaiting: false, isFinal: made !== undefined || isPlain };
    }),
  );
  return {
    colours: { before: before?.lines, after: after?.lines },
    isWaiting: before?.isWaiting === true || after?.isWaiting === true,
    isFinal: before?.isFinal === true && after?.isFinal === true,
  };
}

const none = { lines: undefined, isWaiting: false, isFinal: true };

async function readText(forge: Forge, repoId: number, oid: string): Promise<string | undefined> {
  try {
    return (await readBlob(forge.git, repoPath(forge, repoId), oid, maxHighlightBytes))?.toString('utf8');
  } catch (error) {
    if (error instanceof ForgeError && error.code === 'too_large') return undefined;
    throw error;
  }
}

async function notesOf(forge: Forge, { repoId, file, ignoresSpace }: ShownFile): Promise<string[]> {
  const notes: string[] = [];
  if (file.tooLarge) notes.push('The difference is too large to show; fetch the branch to read it.');
  if (file.oldMode !== file.newMode && !/^0+$/.test(file.oldMode) && !/^0+$/.test(file.newMode)) {
    notes.push(`Mode ${file.oldMode} → ${file.newMode}${modeWords(file)}.`);
  }
  if (file.newMode === '160000' || file.oldMode === '160000')
    notes.push('A submodule: only its commit changes here.');
  if (file.binary)
    notes.push(
      `Binary: ${await sizeOf(forge, repoId, file.oldOid)} → ${await sizeOf(forge, repoId, file.newOid)}.`,
    );
  const isSilent = file.hunks.length === 0 && notes.length === 0;
  if (isSilent && ignoresSpace === true && isOtherContent(file)) notes.push('Only white space changes here.');
  else if (isSilent && file.status === 'renamed') notes.push('Renamed without changes.');
  else if (isSilent && (file.status === 'added' || file.status === 'deleted')) notes.push('An empty file.');
  return notes;
}

const isOtherContent = ({ oldOid, newOid }: DiffFile): boolean =>
  oldOid !== newOid && !noOid.test(oldOid) && !noOid.test(newOid);

function modeWords({ oldMode, newMode }: DiffFile): string {
  if (newMode === '100755' && oldMode === '100644') return ', made executable';
  if (newMode === '100644' && oldMode === '100755') return ', no longer executable';
  return newMode === '120000' ? ', now a symbolic link' : '';
}

async function sizeOf(forge: Forge, repoId: number, oid: string): Promise<string> {
  if (noOid.test(oid)) return 'nothing';
  const object = await readObject(forge.git, repoPath(forge, repoId), { expression: oid, maxBytes: 0 });
  return object === undefined ? 'unknown' : bytes(object.size);
}
