// Where a new thread stands: what it is about must be there, in the revision that was read.
import { getRevision, listRevisions } from '../branches/find.ts';
import type { Branch, Revision } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { diffBetween } from '../repos/diff-between.ts';
import { pathOf } from '../repos/file-view.ts';
import { findTutorial } from '../tutorials/find.ts';
import { checkRange, commitOf, findFile, readContext } from './file-lines.ts';
import { readLogPlace } from './log-place.ts';
import type { Side, ThreadRequest } from './model.ts';
import type { NewThread } from './thread-store.ts';

export async function placeThread(forge: Forge, branch: Branch, request: ThreadRequest): Promise<NewThread> {
  const revision = revisionRead(forge, branch, request.head);
  const { path, step, lane } = request;
  if ([path, step, lane].filter((thing) => thing !== undefined).length > 1) {
    throw new ForgeError('invalid', 'A comment is about one thing: name a path, a step or a lane.');
  }
  const place: Place = {
    branchId: branch.id,
    revision: revision.number,
    now: forge.clock.now(),
    path: undefined,
    side: undefined,
    firstLine: undefined,
    lastLine: undefined,
    step: undefined,
    log: undefined,
    context: [],
  };
  if (step !== undefined) {
    return { ...place, kind: 'step', step: titleOf(forge, { branch, revision, step }) };
  }
  if (lane !== undefined) {
    return { ...place, kind: 'log', ...(await readLogPlace(forge, { branch, revision, request, lane })) };
  }
  if (path !== undefined) {
    return { ...place, ...(await placeInFile(forge, { branch, revision, request, path })) };
  }
  if (request.line === undefined) return { ...place, kind: 'branch' };
  throw new ForgeError('invalid', 'path: name the file that the line is in, or the lane with the log.');
}

type Place = Omit<NewThread, 'kind'>;

function titleOf(
  forge: Forge,
  { branch, revision, step }: { branch: Branch; revision: Revision; step: number },
): string {
  const steps = findTutorial(forge, branch.id, revision.number)?.body?.steps ?? [];
  const title = steps[step - 1]?.title;
  if (title !== undefined) return title;
  throw new ForgeError(
    'invalid',
    steps.length === 0
      ? `step: revision ${revision.number} has no tutorial yet; comment on a line, or on the whole branch.`
      : `step: the tutorial of revision ${revision.number} has ${steps.length} steps; name one of them.`,
  );
}

async function placeInFile(
  forge: Forge,
  order: { branch: Branch; revision: Revision; request: ThreadRequest; path: string },
): Promise<Pick<NewThread, 'kind' | 'path'> & Partial<Place>> {
  const { branch, revision, request, path } = order;
  const { side, line } = request;
  if (line === undefined) {
    const both: readonly Side[] = ['new', 'old'];
    const found = await Promise.all(both.map((of) => fileOn(forge, branch, { revision, side: of, path })));
    if (found.every((oid) => oid === undefined)) throw noSuchFile(path, revision);
    return { kind: 'file', path };
  }
  const firstLine = request.firstLine ?? line;
  checkRange(forge, { firstLine, line });
  const name = await nameOn(forge, branch, { revision, side, path });
  const oid = await fileOn(forge, branch, { revision, side, path: name });
  if (oid === undefined) throw noSuchFile(path, revision);
  const where = { repoId: branch.repoId, oid, path: name };
  const context = await readContext(forge, { ...where, firstLine, lastLine: line });
  return { kind: 'line', path: name, side, firstLine, lastLine: line, context };
}

/** Old lines of a file that the branch renames may be asked for under its new name: that is what pages call it. */
async function nameOn(
  forge: Forge,
  branch: Branch,
  where: { revision: Revision; side: Side; path: string },
): Promise<string> {
  const { revision, side, path } = where;
  if (side === 'new' || (await fileOn(forge, branch, where)) !== undefined) return path;
  const { baseOid, headOid } = revision;
  const { files } = await diffBetween(forge, { repoId: branch.repoId, baseOid, headOid });
  return files.find((file) => pathOf(file) === path)?.oldPath ?? path;
}

function fileOn(
  forge: Forge,
  branch: Branch,
  { revision, side, path }: { revision: Revision; side: Side; path: string },
): Promise<string | undefined> {
  const commit = commitOf(revision, side);
  if (commit === undefined) return Promise.resolve(undefined);
  return findFile(forge, { repoId: branch.repoId, commit, path });
}

/** The revision that was read: the newest one of that head. */
function revisionRead(forge: Forge, branch: Branch, head: string | undefined): Revision {
  if (head === undefined) return getRevision(forge, branch.id, branch.revision);
  const revision = listRevisions(forge, branch.id).findLast(({ headOid }) => headOid === head);
  // Refuses one whose code is not kept any more.
  if (revision !== undefined) return getRevision(forge, branch.id, revision.number);
  throw new ForgeError('conflict', `head: ${head.slice(0, 8)} never was a head of #${branch.number}.`);
}

const noSuchFile = (path: string, revision: Revision): ForgeError =>
  new ForgeError(
    'invalid',
    `path: revision ${revision.number} has no file ${path} on that side. Name a file of the branch, or leave path out to comment on the whole branch.`,
  );
