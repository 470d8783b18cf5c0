// Parses what `git diff-tree --raw -z -p` prints. Names and modes come from the raw part, which needs no unquoting;
// the patch part is driven by the counts in its hunk headers, so no line of content can pose as a header.

export type FileStatus = 'added' | 'modified' | 'deleted' | 'renamed' | 'copied' | 'type';

export interface DiffLine {
  kind: 'context' | 'added' | 'removed';
  /** Without its newline; invalid UTF-8 is replaced, a very long line is cut (see `cut`). */
  text: string;
  oldNumber?: number;
  newNumber?: number;
  /** The file ends here, without a newline. */
  noNewline?: true;
  /** How many characters were left out at the end. */
  cut?: number;
}

export interface Hunk {
  oldStart: number;
  oldLines: number;
  newStart: number;
  newLines: number;
  /** What git prints behind the second @@: the function or section. */
  section: string;
  lines: DiffLine[];
}

export interface DiffFile {
  status: FileStatus;
  oldPath: string;
  newPath: string;
  oldMode: string;
  newMode: string;
  oldOid: string;
  newOid: string;
  binary: boolean;
  added: number;
  removed: number;
  hunks: Hunk[];
  /** The diff of this file was left out for its size. */
  tooLarge: boolean;
}

export interface Diff {
  files: DiffFile[];
  /** Something was left out: files beyond the limit, or the content of all of them. */
  truncated: boolean;
  /** What its text takes of memory. The lines are parts of what git printed, all of which stays as long as one of them does. */
  textBytes?: number;
}

const maxLineLength = 4000;
const statuses: Record<string, FileStatus> = {
  A: 'added',
  M: 'modified',
  D: 'deleted',
  R: 'renamed',
  C: 'copied',
  T: 'type',
};

/** The files of the raw part, without content, and where the patch starts in `output`, which may be cut off. */
export function parseRaw(output: Buffer): { files: DiffFile[]; patchStart: number } {
  const files: DiffFile[] = [];
  let at = 0;
  const next = (): string => {
    const end = output.indexOf(0, at);
    const text = output.toString('utf8', at, end < 0 ? output.length : end);
    at = end < 0 ? output.length : end + 1;
    return text;
  };
  while (at < output.length && output[at] === 0x3a) {
    const [oldMode = '', newMode = '', oldOid = '', newOid = '', letter = ''] = next().slice(1).split(' ');
    const status = statuses[letter.charAt(0)] ?? 'modified';
    const oldPath = next();
    const newPath = status === 'renamed' || status === 'copied' ? next() : oldPath;
    files.push({ status, oldPath, newPath, oldMode, newMode, oldOid, newOid, ...emptyContent() });
  }
  const isWhole = output[at] === 0 || output.length === 0;
  // An entry that was cut off could name another file than it means.
  if (!isWhole) files.pop();
  return { files, patchStart: isWhole ? at + 1 : output.length };
}

export const emptyContent = () => ({ binary: false, added: 0, removed: 0, hunks: [], tooLarge: false });

/**
 * Fills in the hunks of `files` from the patch part, whose sections come in the same order. Answers the place of the
 * last file it met, -1 for none: of a patch that was cut off, that file and those behind it are not whole.
 */
export function parsePatch(files: readonly DiffFile[], patch: string): number {
  return readSections(files, patch, orderedSections(files));
}

/**
 * As `parsePatch`, for a patch without white space: git prints no section for a file that has no other change, so that
 * the sections are told by their object ids.
 */
export function parsePartialPatch(files: readonly DiffFile[], patch: string): number {
  return readSections(files, patch, (line, index) => {
    const ids = /^index ([0-9a-f]+)\.\.([0-9a-f]+)/.exec(line);
    if (ids === null) return index;
    const [, oldOid = '', newOid = ''] = ids;
    const from = files[index]?.status === 'type' ? index : index + 1;
    const found = files.findIndex((file, at) => at >= from && isSectionOf(file, { oldOid, newOid }));
    // A section of no file is for nobody: its lines must not show under another name.
    return found < 0 ? files.length : found;
  });
}

const noOid = /^0+$/;

function isSectionOf(file: DiffFile, ids: { oldOid: string; newOid: string }): boolean {
  const { oldOid, newOid } = ids;
  if (file.status !== 'type') return file.oldOid === oldOid && file.newOid === newOid;
  return (file.oldOid === oldOid && noOid.test(newOid)) || (noOid.test(oldOid) && file.newOid === newOid);
}

function readSections(
  files: readonly DiffFile[],
  patch: string,
  placeOf: (line: string, index: number) => number,
): number {
  const lines = new LineReader(patch);
  let index = -1;
  for (let line = lines.next(); line !== undefined; line = lines.next()) {
    index = placeOf(line, index);
    const file = files[index];
    if (file !== undefined) readFileLine(file, line, lines);
  }
  return index;
}

/** Every file has a section. */
function orderedSections(files: readonly DiffFile[]): (line: string, index: number) => number {
  let sectionsLeft = 0;
  return (line, index) => {
    if (!line.startsWith('diff --git ')) return index;
    if (sectionsLeft > 0) {
      sectionsLeft -= 1;
      return index;
    }
    // A changed type (file ↔ link ↔ submodule) is printed as a deletion and a creation of the same file, either
    // of which may be without hunks; miscounting here would show content under another file's name.
    sectionsLeft = files[index + 1]?.status === 'type' ? 1 : 0;
    return index + 1;
  };
}

function readFileLine(file: DiffFile, line: string, lines: LineReader): void {
  if (line.startsWith('Binary files ') || line === 'GIT binary patch') file.binary = true;
  const header = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)$/s.exec(line);
  if (header === null) return;
  const [, oldStart, oldLines = '1', newStart, newLines = '1', section = ''] = header;
  const hunk: Hunk = {
    oldStart: Number(oldStart),
    oldLines: Number(oldLines),
    newStart: Number(newStart),
    newLines: Number(newLines),
    section: section.slice(0, 200),
    lines: [],
  };
  readHunkLines(hunk, lines);
  file.hunks.push(hunk);
  file.added += hunk.lines.filter((entry) => entry.kind === 'added').length;
  file.removed += hunk.lines.filter((entry) => entry.kind === 'removed').length;
}

function readHunkLines(hunk: Hunk, lines: LineReader): void {
  let { oldStart: oldNumber, newStart: newNumber } = hunk;
  const oldEnd = oldNumber + hunk.oldLines;
  const newEnd = newNumber + hunk.newLines;
  while (oldNumber < oldEnd || newNumber < newEnd) {
    const line = lines.next();
    if (line === undefined) return;
    const content = cutLine(line.slice(1));
    if (line.startsWith('+')) hunk.lines.push({ kind: 'added', ...content, newNumber: newNumber++ });
    else if (line.startsWith('-')) hunk.lines.push({ kind: 'removed', ...content, oldNumber: oldNumber++ });
    else hunk.lines.push({ kind: 'context', ...content, oldNumber: oldNumber++, newNumber: newNumber++ });
    if (lines.peekIs('\\ ')) {
      lines.next();
      const last = hunk.lines.at(-1);
      if (last !== undefined) last.noNewline = true;
    }
  }
}

function cutLine(text: string): { text: string; cut?: number } {
  if (text.length <= maxLineLength) return { text };
  // Half of a character that takes two places is none.
  const kept = text.slice(0, maxLineLength).replace(/[\uD800-\uDBFF]$/, '');
  return { text: kept, cut: text.length - kept.length };
}

class LineReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  next(): string | undefined {
    if (this.#at >= this.#text.length) return undefined;
    const end = this.#text.indexOf('\n', this.#at);
    const line = this.#text.slice(this.#at, end < 0 ? undefined : end);
    this.#at = end < 0 ? this.#text.length : end + 1;
    return line;
  }

  peekIs(start: string): boolean {
    return this.#text.startsWith(start, this.#at);
  }
}
