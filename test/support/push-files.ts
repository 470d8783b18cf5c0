// Commits files straight into a bare repository with `git fast-import`: no worktree, no hooks, no policy.
import { findHead } from '../../src/git/refs.ts';
import type { Git } from '../../src/git/run.ts';

/** Path → content; `null` deletes the path. A content that starts with `#!` is executable. */
export type Files = Record<string, string | Buffer | null>;

export interface PushFiles {
  /** The bare repository's folder. */
  repo: string;
  /** Without refs/heads/. It is created, or moved to the new commit. */
  branch: string;
  files: Files;
  /** The parent: an object id, or `refs/heads/…`. Default: the branch's tip when it exists, else none. */
  from?: string;
  /** Parents beside `from`, to make a merge commit. */
  merges?: string[];
  message?: string;
  author?: string;
  /** Seconds since 1970, for commits that must have a stable id. */
  atSeconds?: number;
}

/** Answers the object id of the new commit. */
export async function pushFiles(git: Git, push: PushFiles): Promise<string> {
  const ref = `refs/heads/${push.branch}`;
  const parent = push.from ?? (await findHead(git, push.repo, push.branch));
  const who = `${push.author ?? 'Ada Example <ada@example.org>'} ${push.atSeconds ?? 1_767_225_600} +0000`;
  const parts: (string | Buffer)[] = [`commit ${ref}\nmark :1\nauthor ${who}\ncommitter ${who}\n`];
  parts.push(...dataOf(push.message ?? `Change ${Object.keys(push.files)[0] ?? 'nothing'}\n`));
  if (parent !== undefined) parts.push(`from ${parent}\n`);
  for (const other of push.merges ?? []) parts.push(`merge ${other}\n`);
  for (const [path, content] of Object.entries(push.files)) {
    if (content === null) parts.push(`D ${quoted(path)}\n`);
    else parts.push(`M ${modeOf(content)} inline ${quoted(path)}\n`, ...dataOf(content));
  }
  parts.push('\nget-mark :1\ndone\n');
  const input = Buffer.concat(parts.map((part) => Buffer.from(part)));
  // --force: a test may move a branch to history that does not contain its old tip.
  const oid = await git.text(['fast-import', '--quiet', '--done', '--force'], { repo: push.repo, input });
  return oid.trim();
}

const modeOf = (content: string | Buffer): string =>
  content.toString().startsWith('#!') ? '100755' : '100644';

const dataOf = (content: string | Buffer): (string | Buffer)[] => [
  `data ${Buffer.byteLength(content)}\n`,
  content,
  '\n',
];

const quoted = (path: string): string => (/[\s"\\]/.test(path) ? JSON.stringify(path) : path);
