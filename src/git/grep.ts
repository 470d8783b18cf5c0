// Searches the files of one commit. The words of the reader go to git behind `-e`, so they are never options.
import type { GitPath } from './git-path.ts';
import { readItems, type ItemsEnd } from './read-items.ts';
import type { Git } from './run.ts';

export interface GrepQuery {
  repo: string;
  /** Object id of the commit. */
  commit: string;
  /** Only below this folder; empty for everywhere. */
  folder: GitPath;
  text: string;
  /** Perl's regular expressions, whose cost git's library bounds; else the text is looked for as it stands. */
  isRegex: boolean;
  matchesCase: boolean;
  maxFiles: number;
  maxLinesPerFile: number;
  maxMs: number;
  signal?: AbortSignal | undefined;
}

export interface GrepFile {
  path: GitPath;
  lines: { number: number; text: string }[];
}

const maxBytes = 8 * 1024 * 1024;
const maxLineLength = 500;

/** Files in git's order with their first matching lines; binary files are not looked into. */
export async function grep(git: Git, query: GrepQuery): Promise<{ files: GrepFile[]; end: ItemsEnd }> {
  const reader = new MatchReader(query);
  const args = [
    '--literal-pathspecs',
    'grep',
    '--null',
    '--line-number',
    '--full-name',
    '-I',
    '--no-textconv',
    '--no-color',
    '--threads=2',
    `--max-count=${query.maxLinesPerFile}`,
    query.isRegex ? '--perl-regexp' : '--fixed-strings',
    ...(query.matchesCase ? [] : ['--ignore-case']),
    '-e',
    query.text,
    query.commit,
    '--',
  ];
  const { repo, maxMs, signal, folder } = query;
  const path = folder === '' ? undefined : folder;
  const end = await readItems(git, { repo, args, path, accept: [1], maxBytes, maxMs, signal }, (item) =>
    reader.take(item),
  );
  return { files: reader.files.filter(({ lines }) => lines.length > 0), end };
}

/**
 * git prints `<commit>:<path>\0<number>\0<line>\n` again and again. Cut at each NUL, that is a path, a number, and then
 * a line with the path of the next match behind it; a line that holds a NUL itself goes on until its newline.
 */
class MatchReader {
  readonly files: GrepFile[] = [];
  readonly #query: GrepQuery;
  #next: 'path' | 'number' | 'line' = 'path';
  #path: GitPath = '' as GitPath;
  #number = 0;
  #line = '';

  constructor(query: GrepQuery) {
    this.#query = query;
  }

  /** False when no further file has room. */
  take(item: string): boolean {
    if (this.#next === 'path') return this.#takePath(item);
    if (this.#next === 'number') {
      this.#number = Number(item);
      this.#next = 'line';
      return true;
    }
    const newline = item.indexOf('\n');
    this.#line += newline < 0 ? `${item}\0` : item.slice(0, newline);
    if (newline < 0) return true;
    this.files.at(-1)?.lines.push({ number: this.#number, text: shortLine(this.#line) });
    this.#line = '';
    return this.#takePath(item.slice(newline + 1));
  }

  #takePath(item: string): boolean {
    // Behind the last line of all there is none.
    if (item === '') return true;
    this.#path = item.slice(this.#query.commit.length + 1) as GitPath;
    this.#next = 'number';
    if (this.files.at(-1)?.path === this.#path) return true;
    if (this.files.length >= this.#query.maxFiles) return false;
    this.files.push({ path: this.#path, lines: [] });
    return true;
  }
}

const shortLine = (bytes: string): string =>
  Buffer.from(bytes.slice(0, maxLineLength), 'latin1').toString('utf8').replace(/\r$/, '');
