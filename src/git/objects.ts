// Questions about objects: their content, what a commit says, and how commits are related.
import { ForgeError } from '../lib/errors.ts';
import { readObject } from './object-reader.ts';
import type { Git } from './run.ts';

const maxCommitBytes = 1024 * 1024;
const maxListBytes = 16 * 1024 * 1024;

export interface CommitSummary {
  oid: string;
  tree: string;
  parents: string[];
  authorName: string;
  authorEmail: string;
  /** UTC milliseconds. */
  authoredAt: number;
  subject: string;
  body: string;
}

/**
 * The bytes of the blob at `<oid>:<path>` (or of a blob's own id), undefined when there is none; a symlink is
 * its target's text. Refuses (`too_large`) a blob of more than `maxBytes`.
 */
export async function readBlob(
  git: Git,
  repo: string,
  expression: string,
  maxBytes: number,
): Promise<Buffer | undefined> {
  const object = await readObject(git, repo, { expression, maxBytes });
  if (object === undefined || object.type !== 'blob') return undefined;
  if (object.content === undefined) {
    throw new ForgeError('too_large', `The file has ${object.size} bytes; at most ${maxBytes} are read.`);
  }
  return object.content;
}

/** The tree of a commit, both as full object ids. */
export const treeOf = async (git: Git, repo: string, oid: string): Promise<string> =>
  (await commitSummary(git, repo, oid)).tree;

/** What a commit says; refuses (`not_found`) an id that is no commit of the repository. */
export async function commitSummary(git: Git, repo: string, oid: string): Promise<CommitSummary> {
  const object = await readObject(git, repo, { expression: oid, maxBytes: maxCommitBytes });
  if (object?.type !== 'commit' || object.content === undefined) {
    throw new ForgeError('not_found', `There is no commit ${oid.slice(0, 40)} in this repository.`);
  }
  return parseCommit(object.oid, object.content.toString('utf8'));
}

/** Reads a commit object: header lines, an empty line, the message (gitformat: commit). */
export function parseCommit(oid: string, text: string): CommitSummary {
  const end = text.indexOf('\n\n');
  const header = end < 0 ? text : text.slice(0, end);
  const message = end < 0 ? '' : text.slice(end + 2);
  const commit: CommitSummary = {
    oid,
    tree: '',
    parents: [],
    authorName: '',
    authorEmail: '',
    authoredAt: 0,
    ...parseMessage(message),
  };
  for (const line of header.split('\n')) {
    if (line.startsWith('tree ')) commit.tree = line.slice(5);
    else if (line.startsWith('parent ')) commit.parents.push(line.slice(7));
    else if (line.startsWith('author ')) Object.assign(commit, parseAuthor(line.slice(7)));
  }
  return commit;
}

function parseMessage(message: string): Pick<CommitSummary, 'subject' | 'body'> {
  const text = message.trim();
  const end = /\n[ \t]*\n/.exec(text);
  const subject = (end === null ? text : text.slice(0, end.index)).replaceAll(/\s+/g, ' ');
  return { subject, body: end === null ? '' : text.slice(end.index).trim() };
}

function parseAuthor(line: string): Pick<CommitSummary, 'authorName' | 'authorEmail' | 'authoredAt'> {
  const match = /^([^<]*)<([^>]*)> (-?\d+)/.exec(line);
  const seconds = Number(match?.[3] ?? 0);
  return { authorName: match?.[1]?.trim() ?? '', authorEmail: match?.[2] ?? '', authoredAt: seconds * 1000 };
}

/** The commits of `head` that `base` (undefined: nothing) does not contain, newest first, at most `limit`. */
export async function listCommits(
  git: Git,
  repo: string,
  range: { base?: string | undefined; head: string; limit: number },
): Promise<CommitSummary[]> {
  const exclude = range.base === undefined ? [] : [`^${range.base}`];
  const format = '--format=%H%x01%T%x01%P%x01%an%x01%ae%x01%at%x01%s%x01%b';
  const args = ['log', '-z', format, '--topo-order', `--max-count=${range.limit}`];
  const text = await git.text([...args, range.head, ...exclude, '--'], { repo, maxBytes: maxListBytes });
  return text
    .split('\0')
    .filter((entry) => entry !== '')
    .map((entry) => {
      const [oid = '', tree = '', parents = '', name = '', email = '', at = '0', subject = '', body = ''] =
        entry.split('\u0001');
      return {
        oid,
        tree,
        parents: parents.split(' ').filter((parent) => parent !== ''),
        authorName: name,
        authorEmail: email,
        authoredAt: Number(at) * 1000,
        subject,
        body: body.trim(),
      };
    });
}

/** The newest common ancestor of two commits, or undefined when their histories share nothing. */
export async function mergeBase(git: Git, repo: string, a: string, b: string): Promise<string | undefined> {
  const { stdout, exitCode } = await git.run(['merge-base', a, b], { repo, accept: [1] });
  return exitCode === 0 ? stdout.toString('utf8').trim() : undefined;
}

/** Whether the commit `descendant` contains the commit `ancestor`. */
export async function isAncestor(
  git: Git,
  repo: string,
  ancestor: string,
  descendant: string,
): Promise<boolean> {
  const { exitCode } = await git.run(['merge-base', '--is-ancestor', ancestor, descendant], {
    repo,
    accept: [1],
  });
  return exitCode === 0;
}
