// Blocks of lines that a difference takes away in one place and puts down in another, perhaps indented anew: a reader
// who knows the one need not read the other. The search is bounded; beyond its bounds nothing is marked.
import type { Diff, DiffFile, DiffLine, Hunk } from '../git/diff.ts';

export interface Move {
  /** Where the block came from, or went to. */
  path: string;
  line: number;
  isFirst: boolean;
}

/** A changed line in its block of lines of one kind; `group` is the same for a removed block and the added one behind it. */
interface Place {
  line: DiffLine;
  hunk: Hunk;
  path: string;
  number: number;
  text: string;
  group: number;
  next: Place | undefined;
}

const minLines = 3;
// As git diff --color-moved: fewer letters and digits are a brace and a return.
const minLetters = 20;
const maxLines = 10_000;
const maxSteps = 100_000;
// A line that stands in so many places tells nothing of where it came from.
const maxCandidates = 20;

const searched = new WeakSet<Diff>();
const moves = new WeakMap<DiffLine, Move>();
// Few hunks have any; nobody looks at every line of all others.
const touched = new WeakSet<Hunk>();

/** What is known of a line after `findMoves` of its difference. */
export const moveOf = (line: DiffLine): Move | undefined => moves.get(line);

/** Whether `moveOf` knows any line of a hunk. */
export const hasMoves = (hunk: Hunk): boolean => touched.has(hunk);

/** Looks once through a difference; asking again costs nothing. */
export function findMoves(diff: Diff): void {
  if (searched.has(diff)) return;
  searched.add(diff);
  const changed = diff.files.reduce((sum, file) => sum + file.added + file.removed, 0);
  if (changed > maxLines) return;
  const { removed, added } = placesOf(diff.files);
  const byText = Map.groupBy(removed, (place) => place.text);
  const budget = { steps: maxSteps };
  for (let at = 0; at < added.length && budget.steps > 0;) {
    const place = added[at];
    const block = place === undefined ? [] : longestBlock(place, byText.get(place.text) ?? [], budget);
    if (isWorthwhile(block)) mark(block);
    at += isWorthwhile(block) ? block.length : 1;
  }
}

type Pair = [from: Place, to: Place];

/** The longest run of equal lines that begins here and at one of the candidates. */
function longestBlock(start: Place, candidates: readonly Place[], budget: { steps: number }): Pair[] {
  let best: Pair[] = [];
  if (start.text === '' || candidates.length > maxCandidates) return best;
  for (const candidate of candidates) {
    // In one place it is the same block, indented anew.
    if (candidate.group === start.group) continue;
    const block: Pair[] = [];
    let from: Place | undefined = candidate;
    let to: Place | undefined = start;
    while (from !== undefined && to !== undefined && from.text === to.text && !moves.has(from.line)) {
      block.push([from, to]);
      from = from.next;
      to = to.next;
      budget.steps -= 1;
    }
    if (block.length > best.length) best = block;
  }
  return best;
}

function isWorthwhile(block: readonly Pair[]): boolean {
  if (block.length < minLines) return false;
  return (
    block.reduce((sum, [{ text }]) => sum + text.replaceAll(/[^\p{L}\p{N}]/gu, '').length, 0) >= minLetters
  );
}

function mark(block: readonly Pair[]): void {
  const [first] = block;
  if (first === undefined) return;
  const [from, to] = first;
  block.forEach(([left, right], index) => {
    moves.set(left.line, { path: to.path, line: to.number, isFirst: index === 0 });
    moves.set(right.line, { path: from.path, line: from.number, isFirst: index === 0 });
    touched.add(left.hunk).add(right.hunk);
  });
}

function placesOf(files: readonly DiffFile[]): { removed: Place[]; added: Place[] } {
  const removed: Place[] = [];
  const added: Place[] = [];
  let group = 0;
  for (const file of files) {
    for (const hunk of file.hunks) {
      let last: Place | undefined;
      for (const line of hunk.lines) {
        // A block of removed lines and the added ones behind it are one change; so ends it at the next context.
        if (line.kind === 'context' || (line.kind === 'removed' && last?.line.kind === 'added')) group += 1;
        if (line.kind === 'context') {
          last = undefined;
          continue;
        }
        const place = placeOf({ file, hunk, line, group });
        if (last?.line.kind === line.kind) last.next = place;
        (line.kind === 'removed' ? removed : added).push(place);
        last = place;
      }
      group += 1;
    }
  }
  return { removed, added };
}

function placeOf(at: { file: DiffFile; hunk: Hunk; line: DiffLine; group: number }): Place {
  const { file, hunk, line, group } = at;
  const isOld = line.kind === 'removed';
  return {
    line,
    hunk,
    path: isOld ? file.oldPath : file.newPath,
    number: (isOld ? line.oldNumber : line.newNumber) ?? 0,
    text: line.text.trim(),
    group,
    next: undefined,
  };
}
