// Threads beside the code they are about: each is put under its line when the page shows that line, else under the head
// of its file. What is about code that the difference does not show stays in the Discussion.
import type { Diff, DiffFile } from '../git/diff.ts';
import { pathOf, type FileView } from '../repos/file-view.ts';
import type { Side } from '../reviews/model.ts';
import type { TalkThread } from '../reviews/talk-view.ts';

/** A place to comment on: the whole file without a side. */
export interface CommentPlace {
  path: string;
  side?: Side | undefined;
  firstLine?: number | undefined;
  line?: number | undefined;
}

export interface FileTalk {
  /** Threads under rows, by `old12` or `new12`; undefined when nothing stands under any, which most pages are. */
  talk: Record<string, TalkThread[]> | undefined;
  /** Threads under the head of the file. */
  talkAbove: TalkThread[];
  /** Where the form for a line is, but for `:new:12` at its end; undefined for who may not comment. */
  commentHref: string | undefined;
  /** The same for old lines of a file that had another name then. */
  oldCommentHref: string | undefined;
  /** The form that stands open here, and under which row. */
  form: (CommentPlace & { key: string; words: string }) | undefined;
}

/** The threads of each file, by the path it is called by; those of no file in the difference are left over. */
export function sortTalk(
  diff: Diff,
  talk: readonly TalkThread[],
): { byPath: Map<string, TalkThread[]>; elsewhere: number } {
  // Most branches have no thread, and some of those have very many files.
  if (talk.length === 0) return { byPath: new Map(), elsewhere: 0 };
  const oldNames = new Map(diff.files.map((file) => [file.oldPath, pathOf(file)]));
  const newNames = new Set(diff.files.map(pathOf));
  const byPath = new Map<string, TalkThread[]>();
  let elsewhere = 0;
  for (const thread of talk) {
    if (thread.path === undefined) continue;
    const name = thread.side === 'old' ? oldNames.get(thread.path) : thread.path;
    if (name === undefined || !newNames.has(name)) elsewhere += 1;
    else byPath.set(name, [...(byPath.get(name) ?? []), thread]);
  }
  return { byPath, elsewhere };
}

export function fileTalk(
  view: FileView,
  shown: {
    file: DiffFile;
    threads: readonly TalkThread[];
    base: string | undefined;
    form?: CommentPlace;
    tab?: 'changes' | 'tutorial';
    /** The old side is an earlier revision, and not the merge base that threads on old lines are about. */
    isSince?: boolean;
  },
): FileTalk {
  const isQuiet = shown.threads.length === 0 && shown.form === undefined;
  const visible = isQuiet ? new Set<string>() : rowsOf(view);
  const talk: Record<string, TalkThread[]> = {};
  const talkAbove: TalkThread[] = [];
  for (const thread of shown.threads) {
    const key = `${thread.side}${thread.lastLine}`;
    const hasRow = visible.has(key) && !(shown.isSince === true && thread.side === 'old');
    if (thread.state === 'outdated' || thread.kind === 'file' || !hasRow) talkAbove.push(thread);
    else (talk[key] ??= []).push(thread);
  }
  const { base, tab = 'changes' } = shown;
  const { oldPath } = shown.file;
  const path = pathOf(shown.file);
  // A name that is no text cannot be named in an address.
  const hrefOf = (name: string): string | undefined =>
    base === undefined || name.includes('\uFFFD') ? undefined : commentHref(`${base}?tab=${tab}`, name);
  return {
    talk: isQuiet ? undefined : talk,
    talkAbove,
    commentHref: hrefOf(path),
    oldCommentHref: oldPath === path ? undefined : hrefOf(oldPath),
    form: shown.form && formOf(shown.form, visible),
  };
}

/** The rows that a page shows of a file, as `old12` and `new12`. */
const rowsOf = ({ hunks }: FileView): Set<string> =>
  new Set(
    hunks.flatMap(({ rows }) =>
      rows.flatMap(({ oldNumber, newNumber }) => [`old${oldNumber}`, `new${newNumber}`]),
    ),
  );

const commentHref = (base: string, path: string): string =>
  `${base}&comment=${encodeURIComponent(path).replaceAll('%2F', '/')}`;

function formOf(place: CommentPlace, visible: ReadonlySet<string>): FileTalk['form'] {
  const key = `${place.side}${place.line}`;
  return { ...place, key: visible.has(key) ? key : '', words: placeWords(place) };
}

export function placeWords({ side, firstLine, line }: CommentPlace): string {
  if (line === undefined) return 'the whole file';
  const lines = firstLine === undefined || firstLine === line ? `line ${line}` : `lines ${firstLine}–${line}`;
  return side === 'old' ? `${lines} as before` : lines;
}

const placeText = /^(.+):(?:file|(old|new):(\d{1,8})(?:-(\d{1,8}))?)$/s;

/** Reads `path:new:12`, `path:old:10-12` or `path:file`; undefined when it is none. */
export function readPlace(text: string): CommentPlace | undefined {
  const match = placeText.exec(text);
  if (match?.[1] === undefined) return undefined;
  const [, path, side, first, last] = match;
  if (side === undefined) return { path };
  return { path, side: side as Side, firstLine: Number(first), line: Number(last ?? first) };
}
