// Which commit each line of a file comes from. Git tells it span by span; at the limit of time, what it has told so
// far is the answer, and the rest of the lines are without one.
import { gitPath, type GitPath } from './git-path.ts';
import { readUpTo } from './read-up-to.ts';
import type { Git } from './run.ts';

export interface BlameSpan {
  oid: string;
  /** The first line of the span in the file, and in the commit it comes from; both count from 1. */
  line: number;
  originalLine: number;
  lines: number;
}

export interface BlameCommit {
  oid: string;
  authorName: string;
  authorEmail: string;
  /** UTC milliseconds. */
  authoredAt: number;
  subject: string;
  /** The name of the file in that commit. */
  path: GitPath;
  /** The file as it was before that commit; undefined where the commit made it. */
  previous: { commit: string; path: GitPath } | undefined;
}

export interface Blame {
  /** In the order of their lines, without overlaps. */
  spans: BlameSpan[];
  commits: Map<string, BlameCommit>;
  /** The time was up before every line had its commit. */
  timedOut: boolean;
}

export interface BlameRange {
  /** The bare repository's folder. */
  repo: string;
  /** Object id of the commit whose file is read. */
  commit: string;
  path: GitPath;
  /** Lines, both included and counted from 1; the file must have the first one. */
  from: number;
  to: number;
  /** Object ids of commits whose changes are laid to the lines before them. */
  ignored: readonly string[];
  maxMs: number;
}

const maxBytes = 32 * 1024 * 1024;
const maxSubjectLength = 200;

export async function readBlame(git: Git, range: BlameRange): Promise<Blame> {
  const args = [
    // A name that no object can have: without it git would read the mail map of the default branch of today.
    '-c',
    'mailmap.blob=..',
    'blame',
    '--incremental',
    '--no-textconv',
    `-L${range.from},${range.to}`,
    ...range.ignored.map((oid) => `--ignore-rev=${oid}`),
    range.commit,
    '--',
  ];
  const { repo, path, maxMs } = range;
  const { bytes, isWhole } = await readUpTo(git, args, { repo, path, maxBytes, maxMs });
  return { ...parseBlame(bytes), timedOut: !isWhole };
}

/** Reads what `git blame --incremental` prints (git-blame: the incremental output); a last entry cut off is left out. */
export function parseBlame(output: Buffer): Pick<Blame, 'spans' | 'commits'> {
  const spans: BlameSpan[] = [];
  const commits = new Map<string, BlameCommit>();
  let span: BlameSpan | undefined;
  let commit: BlameCommit | undefined;
  // The names of files are bytes, and a name of a person may be anything: text is decoded field by field.
  for (const line of output.toString('latin1').split('\n')) {
    const head = /^([0-9a-f]{40}) (\d+) (\d+) (\d+)$/.exec(line);
    if (head !== null) {
      const [, oid = '', originalLine, place, lines] = head;
      span = { oid, originalLine: Number(originalLine), line: Number(place), lines: Number(lines) };
      commit = commits.get(oid) ?? emptyCommit(oid);
    } else if (commit !== undefined && span !== undefined) {
      readField(commit, line);
      if (!line.startsWith('filename ')) continue;
      // The name of the file ends an entry.
      spans.push(span);
      commits.set(commit.oid, commit);
      span = undefined;
    }
  }
  return { spans: spans.toSorted((a, b) => a.line - b.line), commits };
}

const emptyCommit = (oid: string): BlameCommit => ({
  oid,
  authorName: '',
  authorEmail: '',
  authoredAt: 0,
  subject: '',
  path: '' as GitPath,
  previous: undefined,
});

function readField(commit: BlameCommit, line: string): void {
  const space = line.indexOf(' ');
  const [name, value] = [line.slice(0, space), line.slice(space + 1)];
  if (name === 'author') commit.authorName = decode(value);
  else if (name === 'author-mail') commit.authorEmail = decode(value).replace(/^<|>$/g, '');
  else if (name === 'author-time') commit.authoredAt = Number(value) * 1000;
  else if (name === 'summary') commit.subject = decode(value).slice(0, maxSubjectLength);
  else if (name === 'filename') commit.path = unquote(value);
  else if (name === 'previous')
    commit.previous = { commit: value.slice(0, 40), path: unquote(value.slice(41)) };
}

const decode = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8');

const escapes: Record<string, string> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** A name as git prints it: in double quotes, with escapes as in C, when it holds a quote or a control character. */
function unquote(name: string): GitPath {
  if (!name.startsWith('"')) return gitPath(Buffer.from(name, 'latin1'));
  const text = name
    .slice(1, -1)
    .replaceAll(/\\([0-7]{3}|.)/g, (_whole, code: string) =>
      /^[0-7]{3}$/.test(code) ? String.fromCharCode(Number.parseInt(code, 8)) : (escapes[code] ?? code),
    );
  return gitPath(Buffer.from(text, 'latin1'));
}
