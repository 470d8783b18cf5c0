// Where threads stand in another revision of their branch: their lines are followed through the difference between
// the two commits, straight from where each began, so that code that was taken away and put back has its thread again.
import type { Revision } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import { readLineChanges, readRenames, type LineChange } from '../git/line-changes.ts';
import { GitError } from '../git/run.ts';
import { ForgeError } from '../lib/errors.ts';
import { Recent } from '../lib/recent.ts';
import { repoPath } from '../repos/path.ts';
import { findTutorial } from '../tutorials/find.ts';
import { commitOf, findFile } from './file-lines.ts';
import { mapRange, turnBack } from './line-map.ts';
import type { PlaceState, Side, Thread } from './model.ts';

export interface Placed {
  state: PlaceState;
  path: string | undefined;
  firstLine: number | undefined;
  lastLine: number | undefined;
}

/** What is kept are numbers of lines, and no line. */
const changesKept = new Recent<LineChange[] | 'unknown'>(8_000_000);

interface Journey {
  forge: Forge;
  repoId: number;
  revisions: ReadonlyMap<number, Revision>;
  to: Revision;
  files: Map<string, Promise<string | undefined>>;
  renames: Map<string, Promise<Map<string, string>>>;
  /** When no further files are compared: what is left shows the lines it kept. */
  until: number;
}

/** The place of each thread in the revision `to`, by the thread's id. */
export async function followThreads(
  forge: Forge,
  order: { repoId: number; threads: readonly Thread[]; revisions: readonly Revision[]; to: Revision },
): Promise<Map<number, Placed>> {
  const revisions = new Map(order.revisions.map((revision) => [revision.number, revision]));
  const until = performance.now() + forge.config.limits.readSeconds * 1000;
  const journey = { ...order, forge, revisions, files: new Map(), renames: new Map(), until };
  const placed = new Map<number, Placed>();
  for (const thread of order.threads) placed.set(thread.id, await follow(journey, thread));
  return placed;
}

async function follow(journey: Journey, thread: Thread): Promise<Placed> {
  const from = journey.revisions.get(thread.revision);
  if (thread.step !== undefined) {
    return { ...asWritten(thread), state: hasStep(journey, thread.step) ? 'here' : 'outdated' };
  }
  if (thread.path === undefined) return { ...asWritten(thread), state: 'here' };
  if (from === undefined) return { ...asWritten(thread), state: 'outdated' };
  try {
    const sides: readonly Side[] = thread.side === undefined ? ['new', 'old'] : [thread.side];
    for (const side of sides) {
      const found = await followSide(journey, { thread, path: thread.path, from, side });
      if (found !== undefined) return found;
    }
  } catch (error) {
    // A repository that cannot be read shows its threads with the lines that they kept.
    if (!(error instanceof ForgeError || error instanceof GitError)) throw error;
  }
  return { ...asWritten(thread), state: 'outdated' };
}

/** Whether the tutorial of the revision still has a step of that title. */
const hasStep = ({ forge, to }: Journey, title: string): boolean =>
  findTutorial(forge, to.branchId, to.number)?.body?.steps.some((step) => step.title === title) === true;

const asWritten = ({ path, firstLine, lastLine }: Thread): Omit<Placed, 'state'> => ({
  path,
  firstLine,
  lastLine,
});

async function followSide(
  journey: Journey,
  { thread, path, from, side }: { thread: Thread; path: string; from: Revision; side: Side },
): Promise<Placed | undefined> {
  const [oldCommit, newCommit] = [commitOf(from, side), commitOf(journey.to, side)];
  if (oldCommit === undefined || newCommit === undefined) return undefined;
  if (oldCommit === newCommit && thread.side !== undefined) return { ...asWritten(thread), state: 'here' };
  const oldOid = await fileAt(journey, oldCommit, path);
  if (oldOid === undefined) return undefined;
  const name = await nameIn(journey, { oldCommit, newCommit, path });
  const newOid = name === undefined ? undefined : await fileAt(journey, newCommit, name);
  if (newOid === undefined) return undefined;
  const { firstLine, lastLine } = thread;
  if (firstLine === undefined || lastLine === undefined) {
    return { state: 'here', path: name, firstLine, lastLine };
  }
  const isBack = from.number > journey.to.number;
  const changes = oldOid === newOid ? [] : await changesBetween(journey, { oldOid, newOid, isBack });
  const range = changes === 'unknown' ? undefined : mapRange(changes, { first: firstLine, last: lastLine });
  if (range === undefined) return undefined;
  const state = range.isWhole ? 'here' : 'changed';
  return { state, path: name, firstLine: range.first, lastLine: range.last };
}

/** What a file is called in another commit: the same, or what it was renamed to. */
async function nameIn(
  journey: Journey,
  { oldCommit, newCommit, path }: { oldCommit: string; newCommit: string; path: string },
): Promise<string | undefined> {
  if ((await fileAt(journey, newCommit, path)) !== undefined) return path;
  const key = `${oldCommit} ${newCommit}`;
  const repo = repoPath(journey.forge, journey.repoId);
  const renames =
    journey.renames.get(key) ??
    readRenames(journey.forge.git, { repo, oldOid: oldCommit, newOid: newCommit });
  journey.renames.set(key, renames);
  return (await renames).get(path);
}

function fileAt(journey: Journey, commit: string, path: string): Promise<string | undefined> {
  const key = `${commit} ${path}`;
  const { forge, repoId } = journey;
  const found = journey.files.get(key) ?? findFile(forge, { repoId, commit, path });
  journey.files.set(key, found);
  return found;
}

/** Git is always asked from the earlier revision to the later one, so that the way back is the same way. */
async function changesBetween(
  journey: Journey,
  { oldOid, newOid, isBack }: { oldOid: string; newOid: string; isBack: boolean },
): Promise<LineChange[] | 'unknown'> {
  if (!isBack) return changesForth(journey, oldOid, newOid);
  const changes = await changesForth(journey, newOid, oldOid);
  return changes === 'unknown' ? changes : changes.map(turnBack);
}

async function changesForth(
  { forge, repoId, until }: Journey,
  oldOid: string,
  newOid: string,
): Promise<LineChange[] | 'unknown'> {
  const repo = repoPath(forge, repoId);
  const key = `${repo} ${oldOid} ${newOid}`;
  const known = changesKept.find(key);
  if (known !== undefined) return known;
  if (performance.now() > until) return 'unknown';
  const changes = (await readLineChanges(forge.git, { repo, oldOid, newOid })) ?? 'unknown';
  changesKept.keep(key, changes, 200 + 32 * changes.length);
  return changes;
}
