// Merging without a worktree: git computes the tree, we make the commit. Only object ids go in, because
// a tag may carry the name of a branch. Nothing here moves a ref.
import type { Git } from './run.ts';

export interface MergeSides {
  /** The bare repository, as an absolute path. */
  repo: string;
  /** The commit that is merged into, as a full object id. */
  target: string;
  /** The commit that is merged, as a full object id. */
  head: string;
}

export type TreeMerge =
  | { outcome: 'clean'; tree: string }
  | { outcome: 'conflict'; paths: string[]; messages: string[] };

export interface Person {
  name: string;
  email: string;
}

export interface CommitContent {
  repo: string;
  tree: string;
  parents: readonly string[];
  message: string;
  author: Person;
  committer: Person;
  /** UTC milliseconds. */
  at: number;
}

// Names of people; whoever pushes may write far more.
const maxLogBytes = 16 * 1024 * 1024;
const objectId = /^[0-9a-f]{40}$/;

/**
 * The tree that a merge of two commits with a common history gives, or the paths in conflict with what
 * git says about each. Throws `GitError` when the histories share nothing: ask for the merge base first.
 */
export async function mergeTree(git: Git, { repo, target, head }: MergeSides): Promise<TreeMerge> {
  const { stdout, exitCode } = await git.run(
    ['merge-tree', '--write-tree', '-z', '--name-only', fullId(target), fullId(head)],
    { repo, accept: [1] },
  );
  return parseTreeMerge(stdout.toString('utf8'), exitCode);
}

/** The tree of a merge whatever its outcome: files in conflict, which are named, stand in it with git's marks. */
export async function mergeTreeAnyway(
  git: Git,
  { repo, target, head }: MergeSides,
): Promise<{ tree: string; conflicts: string[] }> {
  const { stdout, exitCode } = await git.run(
    ['merge-tree', '--write-tree', '-z', '--name-only', '--no-messages', fullId(target), fullId(head)],
    { repo, accept: [1] },
  );
  const output = stdout.toString('utf8');
  const merged = parseTreeMerge(output, exitCode);
  const tree = fullId(output.slice(0, 40));
  return { tree, conflicts: merged.outcome === 'clean' ? [] : merged.paths };
}

/**
 * Reads `merge-tree -z --name-only`: the tree; then, in a conflict, the paths, an empty field, and messages
 * of the form `<count> <path>… <kind> <text>` (git-merge-tree(1), "OUTPUT").
 */
export function parseTreeMerge(output: string, exitCode: number): TreeMerge {
  const fields = output.split('\0');
  const tree = fullId(fields[0] ?? '');
  if (exitCode === 0) return { outcome: 'clean', tree };
  const end = fields.indexOf('', 1);
  const paths = fields.slice(1, end === -1 ? undefined : end);
  const messages: string[] = [];
  let at = end + 1;
  while (at < fields.length - 1) {
    const pathCount = Number(fields[at]);
    if (!Number.isInteger(pathCount)) break;
    const kind = fields[at + pathCount + 1] ?? '';
    const text = (fields[at + pathCount + 2] ?? '').trim();
    if (kind.startsWith('CONFLICT')) messages.push(text);
    at += pathCount + 3;
  }
  return { outcome: 'conflict', paths: [...new Set(paths)], messages };
}

/** Writes a commit object and answers its id; no ref knows of it yet. */
export async function commitTree(git: Git, content: CommitContent): Promise<string> {
  const date = `@${Math.floor(content.at / 1000)} +0000`;
  const parents = content.parents.flatMap((parent) => ['-p', fullId(parent)]);
  const oid = await git.text(['commit-tree', fullId(content.tree), ...parents], {
    repo: content.repo,
    input: content.message.endsWith('\n') ? content.message : `${content.message}\n`,
    env: {
      GIT_AUTHOR_NAME: content.author.name,
      GIT_AUTHOR_EMAIL: content.author.email,
      GIT_AUTHOR_DATE: date,
      GIT_COMMITTER_NAME: content.committer.name,
      GIT_COMMITTER_EMAIL: content.committer.email,
      GIT_COMMITTER_DATE: date,
    },
  });
  return fullId(oid);
}

/**
 * Everybody who wrote a part of `target..head`, except `author`: the authors of the commits and those
 * named in `Co-authored-by` trailers, once each by address, oldest first.
 */
export async function listCoAuthors(git: Git, sides: MergeSides & { author: Person }): Promise<Person[]> {
  const format = '%an%x00%ae%x00%(trailers:key=Co-authored-by,valueonly,unfold,separator=%x00)%x01';
  const log = await git.text(
    [
      'log',
      '--reverse',
      '--no-merges',
      `--format=${format}`,
      `${fullId(sides.target)}..${fullId(sides.head)}`,
    ],
    { repo: sides.repo, maxBytes: maxLogBytes },
  );
  const people = new Map<string, Person>();
  for (const entry of log.split('\x01')) {
    const [name, email, ...trailers] = entry.replace(/^\n/, '').split('\0');
    if (name !== undefined && email !== undefined) addPerson(people, { name, email });
    for (const trailer of trailers) {
      const match = /^\s*(.+?)\s*<([^<>]+)>\s*$/.exec(trailer);
      if (match?.[1] && match[2]) addPerson(people, { name: match[1], email: match[2] });
    }
  }
  people.delete(sides.author.email.toLowerCase());
  return [...people.values()];
}

function addPerson(people: Map<string, Person>, person: Person): void {
  const key = person.email.toLowerCase();
  if (key !== '' && !people.has(key)) people.set(key, person);
}

function fullId(oid: string): string {
  if (!objectId.test(oid)) throw new TypeError(`not a full object id: ${oid.slice(0, 60)}`);
  return oid;
}
