// How many heads stand to one target, asked in one git instead of one for each head.
import { ForgeError } from '../lib/errors.ts';
import { mergeBase } from './objects.ts';
import type { Git } from './run.ts';

/** Commits that only the heads have; more are not held in memory at once. */
const maxListBytes = 64 * 1024 * 1024;

/** More than one commit of the target is met; which of them is the merge base is for git to say. */
const several = Symbol('several');
type Met = string | undefined | typeof several;

export interface HeadsOnTarget {
  /** The target's commit. */
  target: string;
  heads: readonly string[];
}

/**
 * The merge base of each head with the target, by the head's object id: the head itself when the target contains it,
 * undefined when their histories share nothing. Throws when one of them cannot be read.
 */
export async function mergeBases(
  git: Git,
  repo: string,
  { target, heads }: HeadsOnTarget,
): Promise<Map<string, string | undefined>> {
  const wanted = [...new Set(heads)];
  if (wanted.length === 0) return new Map();
  const met = await meetOrGiveUp(git, repo, { target, heads: wanted });
  const bases = new Map<string, string | undefined>();
  for (const head of wanted) {
    // A head that is not listed is contained in the target.
    const base = met.has(head) ? met.get(head) : head;
    bases.set(head, base === several ? await mergeBase(git, repo, target, head) : base);
  }
  return bases;
}

/** A single head with more commits of its own than are listed is left to git's own answer. */
async function meetOrGiveUp(git: Git, repo: string, question: HeadsOnTarget): Promise<Map<string, Met>> {
  try {
    return await meetTarget(git, repo, question);
  } catch (error) {
    const [head, another] = question.heads;
    const isTooLarge = error instanceof ForgeError && error.code === 'too_large';
    if (!isTooLarge || head === undefined || another !== undefined) throw error;
    return new Map([[head, several]]);
  }
}

/** For every commit that the target does not contain: which commit of the target its history meets. */
async function meetTarget(
  git: Git,
  repo: string,
  { target, heads }: HeadsOnTarget,
): Promise<Map<string, Met>> {
  const met = new Map<string, Met>();
  // Parents come before their children, so each line can build on what is known.
  for (const line of await listOwnCommits(git, repo, { target, heads })) {
    const [commit, ...parents] = line.split(' ');
    if (!commit) continue;
    let at: Met;
    for (const parent of parents) {
      const there = met.has(parent) ? met.get(parent) : parent;
      at = at === undefined || at === there ? there : there === undefined ? at : several;
    }
    met.set(commit, at);
  }
  return met;
}

/** `<commit> <parents>` lines; `rev-list` fails on a commit it cannot read, where `merge-base` takes it for a root. */
async function listOwnCommits(git: Git, repo: string, { target, heads }: HeadsOnTarget): Promise<string[]> {
  const { stdout } = await git.run(['rev-list', '--parents', '--topo-order', '--reverse', '--stdin'], {
    repo,
    input: `${heads.join('\n')}\n^${target}\n`,
    maxBytes: maxListBytes,
  });
  return stdout.toString('latin1').split('\n');
}
