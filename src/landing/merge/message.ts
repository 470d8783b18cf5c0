// The message that a merge has when nobody writes one.
import type { Branch } from '../../branches/model.ts';
import type { Forge } from '../../forge/open.ts';
import { listCommits } from '../../git/objects.ts';
import type { MergeMethod } from '../../repos/model.ts';
import { repoPath } from '../../repos/path.ts';

const maxListed = 50;
// A trailer that git reads names of: they are collected from the commits and written once, at the end.
const coAuthorLine = /^co-authored-by:.*$/gim;

/**
 * The usual message of a merge by `method`, empty for a fast-forward, which makes no commit. A squash says what its
 * commits said: the body of the only one, or the subjects of several, oldest first.
 */
export async function usualMessage(
  forge: Forge,
  merge: { branch: Branch; method: MergeMethod; targetOid: string; headOid: string },
): Promise<string> {
  const { branch, method, targetOid, headOid } = merge;
  if (method === 'fast-forward') return '';
  if (method === 'merge') return `Merge branch '${branch.name}' (#${branch.number}): ${branch.title}`;
  const range = { base: targetOid, head: headOid, limit: maxListed + 1 };
  const commits = await listCommits(forge.git, repoPath(forge, branch.repoId), range);
  const [only, second] = commits;
  const told = second === undefined ? bodyOf(only?.body ?? '') : listOf(commits);
  const subject = `${branch.title} (#${branch.number})`;
  return told === '' ? subject : `${subject}\n\n${told}`;
}

const bodyOf = (body: string): string => body.replaceAll(coAuthorLine, '').trim();

function listOf(commits: readonly { subject: string; parents: readonly string[] }[]): string {
  const lines = commits
    .slice(0, maxListed)
    .filter(({ parents }) => parents.length < 2)
    .map(({ subject }) => `* ${subject}`)
    .toReversed();
  return commits.length > maxListed ? ['* and earlier commits', ...lines].join('\n') : lines.join('\n');
}
