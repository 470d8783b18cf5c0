// Reading commits, trees and blobs by object id.
import type { Git } from './run.ts';

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

const commitFormat = ['%H', '%T', '%P', '%an', '%ae', '%at', '%s', '%b'].join('%x00');

function toCommit(record: string): CommitSummary {
  const [oid = '', tree = '', parents = '', authorName = '', authorEmail = '', at = '0', subject = '', body = ''] =
    record.split('\0');
  return {
    oid,
    tree,
    parents: parents === '' ? [] : parents.split(' '),
    authorName,
    authorEmail,
    authoredAt: Number(at) * 1000,
    subject,
    body: body.trim(),
  };
}

/** The commit with this id; throws `GitError` when it is not there. */
export async function commitSummary(git: Git, repo: string, oid: string): Promise<CommitSummary> {
  const args = ['log', '-1', '--no-show-signature', `--format=${commitFormat}`, '--end-of-options', oid];
  return toCommit(await git.text(args, { repo }));
}

/** Commits of `head` that `base` has not, the newest first, at most `limit`. */
export async function listCommits(
  git: Git,
  repo: string,
  range: { base?: string | undefined; head: string; limit: number },
): Promise<CommitSummary[]> {
  const exclude = range.base === undefined ? [] : [`^${range.base}`];
  const format = `--format=${commitFormat}%x1e`;
  const args = ['log', '--no-show-signature', `--max-count=${range.limit}`, format, range.head, ...exclude, '--'];
  const text = await git.text(args, { repo });
  return text
    .split('\x1e')
    .map((record) => record.replace(/^\n/, ''))
    .filter((record) => record !== '')
    .map(toCommit);
}

export const treeOf = (git: Git, repo: string, oid: string): Promise<string> =>
  git.text(['rev-parse', '--verify', '--end-of-options', `${oid}^{tree}`], { repo });

/** The merge base of two commits, or undefined when their histories share nothing. */
export async function mergeBase(git: Git, repo: string, a: string, b: string): Promise<string | undefined> {
  const { stdout, exitCode } = await git.run(['merge-base', a, b], { repo, accept: [1] });
  return exitCode === 0 ? stdout.toString('latin1').trim() : undefined;
}

export async function isAncestor(git: Git, repo: string, ancestor: string, of: string): Promise<boolean> {
  return (await git.run(['merge-base', '--is-ancestor', ancestor, of], { repo, accept: [1] })).exitCode === 0;
}

/** The blob that `spec` (`<oid>:<path>` or an id) names; undefined when there is none, `too_large` over the limit. */
export async function readBlob(git: Git, repo: string, spec: string, maxBytes: number): Promise<Buffer | undefined> {
  const args = ['cat-file', 'blob', '--end-of-options', spec];
  const { stdout, exitCode } = await git.run(args, { repo, accept: [128], maxBytes });
  return exitCode === 0 ? stdout : undefined;
}
