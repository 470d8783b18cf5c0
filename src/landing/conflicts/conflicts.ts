// What stands between a branch and its target: the files that git cannot merge, what both sides have there, and how to
// settle it in a clone. Nothing is written.
import type { Branch } from '../../branches/model.ts';
import type { Forge } from '../../forge/open.ts';
import { readConflicts, type ConflictedFile } from '../../git/merge-conflicts.ts';
import { mergeBase } from '../../git/objects.ts';
import { readObject } from '../../git/object-reader.ts';
import { listHeads } from '../../git/refs.ts';
import { ForgeError } from '../../lib/errors.ts';
import type { MergeMethod, Repo } from '../../repos/model.ts';
import { repoPath } from '../../repos/path.ts';
import { repoUrls } from '../../repos/urls.ts';
import { readHunks } from './conflict-hunks.ts';
import type { ConflictFile, ConflictsView } from './model.ts';
import { usualMethod } from '../merge/method.ts';

const maxFiles = 50;
const maxCommandPaths = 20;

/** Refuses (`conflict`) a branch that is not open, or one without a target or a common commit to merge from. */
export async function findConflicts(
  forge: Forge,
  { repo, branch }: { repo: Repo; branch: Branch },
): Promise<ConflictsView> {
  if (branch.state !== 'open') {
    throw new ForgeError(
      'conflict',
      `Branch #${branch.number} is ${branch.state}; there is nothing to merge.`,
    );
  }
  const path = repoPath(forge, repo.id);
  const heads = await listHeads(forge.git, path);
  const [head, target] = [heads.get(branch.name), heads.get(branch.target)];
  if (head === undefined || target === undefined) {
    const missing = head === undefined ? branch.name : branch.target;
    throw new ForgeError('conflict', `The branch ${missing} is not in the repository. Push it first.`);
  }
  if ((await mergeBase(forge.git, path, target, head)) === undefined) {
    const message = `${branch.name} and ${branch.target} have no commit in common. Rebase it on ${branch.target}.`;
    throw new ForgeError('conflict', message);
  }
  const sides = { repo: path, target, head };
  const { tree, files } = await readConflicts(forge.git, sides);
  const shown: ConflictFile[] = [];
  for (const file of files.slice(0, maxFiles)) {
    shown.push(await showFile(forge, { ...sides, tree, branch }, file));
  }
  return {
    branch: branch.name,
    target: branch.target,
    head,
    targetHead: target,
    files: shown,
    moreFiles: files.length - shown.length,
    commands: commandsOf({
      url: repoUrls(forge, repo).http,
      branch,
      method: await usualMethod(forge, repo, target),
      paths: files.map((file) => file.path),
    }),
  };
}

interface Marked {
  repo: string;
  target: string;
  head: string;
  /** The tree that has the files with their marks. */
  tree: string;
  branch: Branch;
}

async function showFile(forge: Forge, marked: Marked, file: ConflictedFile): Promise<ConflictFile> {
  const { repo, tree, target, head, branch } = marked;
  const named = (text: string) =>
    text
      .replace(/^CONFLICT \([^)]*\): /, '')
      .replace(/ +Version [0-9a-f]{40} of .* left in tree\.$/s, '')
      .replaceAll(target, branch.target)
      .replaceAll(head, branch.name);
  const shown = { path: file.path, messages: file.messages.map(named), hunks: [], moreHunks: 0 };
  const maxBytes = forge.config.limits.maxShownFileBytes;
  const object = await readObject(forge.git, repo, { expression: `${tree}:${file.path}`, maxBytes });
  if (object?.type !== 'blob') return { ...shown, without: 'no_lines' };
  if (object.content === undefined) return { ...shown, without: 'too_large' };
  if (object.content.includes(0)) return { ...shown, without: 'binary' };
  const read = readHunks(object.content.toString('utf8'), { target, head });
  return { ...shown, ...read, without: read.hunks.length === 0 ? 'no_lines' : null };
}

function commandsOf(work: { url: string; branch: Branch; method: MergeMethod; paths: string[] }): string[] {
  const { url, branch, method, paths } = work;
  const start = [`git fetch ${url} ${branch.target}`, `git switch ${branch.name}`];
  const added = `git add -- ${paths.length > maxCommandPaths ? '.' : paths.map(quoted).join(' ')}`;
  // Where history is kept straight, a merge commit on the branch would not land.
  if (method === 'fast-forward') {
    return [...start, 'git rebase FETCH_HEAD', added, 'git rebase --continue', 'git push --force-with-lease'];
  }
  return [...start, 'git merge FETCH_HEAD', added, 'git commit --no-edit', 'git push'];
}

/** For a shell: whoever pushed the branch named the files. */
const quoted = (path: string): string =>
  /^[\w./+@-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
