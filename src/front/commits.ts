// The Commits tab: the commits of a branch, its revisions, and which commits of an earlier revision became which.
import { listRevisions } from '../branches/find.ts';
import type { Branch, Revision } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import { listCommits } from '../git/objects.ts';
import { readRangeDiff, type CommitPair } from '../git/range-diff.ts';
import { ForgeError } from '../lib/errors.ts';
import { Recent } from '../lib/recent.ts';
import { repoPath } from '../repos/path.ts';
import { lastReviewed, rangeOf } from '../reviews/range.ts';
import type { AskedRange, RangePlace } from './range.ts';

const maxCommits = 250;
// Git holds every commit of one side against every one of the other.
const maxMatched = 100;
const kept = new Recent<CommitPair[] | 'unknown'>(8_000_000);

export async function commitsData(
  forge: Forge,
  place: RangePlace,
  asked: AskedRange,
): Promise<Record<string, unknown>> {
  const { repo, branch, revision } = place;
  const range = { base: revision.baseOid, head: revision.headOid, limit: maxCommits };
  const commits = await listCommits(forge.git, repoPath(forge, repo.id), range);
  const revisions = listRevisions(forge, branch.id);
  // Retention may have given up those of a branch that has ended.
  const readable = revisions.filter(({ unpinnedAt }) => unpinnedAt === undefined);
  if (readable.length < 2) return { commits, revisions };
  const since = asked.since ?? usualStart(forge, place, readable);
  const { from, to } = rangeOf(forge, place, { ...asked, since });
  return {
    commits,
    revisions,
    readable,
    matched: { since: from.number, revision: to.number, pairs: await pairsOf(forge, place, { from, to }) },
    // The tab is fetched anew when something happens, with the same two revisions.
    rangeQuery: asked.since === undefined ? '' : `since=${from.number}&revision=${to.number}&`,
  };
}

/** What the reader knows already: the revision reviewed last, or the one before the newest. */
function usualStart(
  forge: Forge,
  { branch, caller }: { branch: Branch; caller: RangePlace['caller'] },
  readable: readonly Revision[],
): number {
  const reviewed = lastReviewed(forge, branch, caller);
  if (reviewed !== undefined && reviewed !== branch.revision) return reviewed;
  return readable.at(-2)?.number ?? branch.revision;
}

/** Undefined when they cannot be matched: there are too many, or no common history. */
async function pairsOf(
  forge: Forge,
  { repo }: RangePlace,
  { from, to }: { from: Revision; to: Revision },
): Promise<CommitPair[] | undefined> {
  const path = repoPath(forge, repo.id);
  if (from.baseOid === undefined || to.baseOid === undefined) return undefined;
  const ends = [
    { base: from.baseOid, head: from.headOid },
    { base: to.baseOid, head: to.headOid },
  ] as const;
  const key = `${path} ${ends.map(({ base, head }) => `${base} ${head}`).join(' ')}`;
  const known = kept.find(key) ?? (await readPairs(forge, path, ends)) ?? 'unknown';
  kept.keep(key, known, JSON.stringify(known).length * 2);
  return known === 'unknown' ? undefined : known;
}

interface Ends {
  base: string;
  head: string;
}

async function readPairs(
  forge: Forge,
  repo: string,
  [old, later]: readonly [Ends, Ends],
): Promise<CommitPair[] | undefined> {
  try {
    for (const ends of [old, later]) {
      const commits = await listCommits(forge.git, repo, { ...ends, limit: maxMatched + 1 });
      if (commits.length > maxMatched) return undefined;
    }
  } catch (error) {
    if (error instanceof ForgeError && error.code === 'too_large') return undefined;
    throw error;
  }
  const maxMs = forge.config.limits.readSeconds * 1000;
  return readRangeDiff(forge.git, { repo, old, new: later, maxMs });
}
