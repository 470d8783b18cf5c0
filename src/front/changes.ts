// The Changes tab: the tree of files at the left, their differences at the right, the first ones at once and the rest
// as they are reached.
import { Router } from 'express';
import { z } from 'zod';
import { branchDiff } from '../branches/branch-diff.ts';
import { anchorOf, pathOf, statusMarks, viewFile, type FileView } from '../branches/file-view.ts';
import { getRevision } from '../branches/find.ts';
import type { Branch, Revision } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import type { Diff, DiffFile } from '../git/diff.ts';
import type { Repo } from '../repos/model.ts';
import { visibleName } from '../web/filters.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import { branchOfRoute } from './place.ts';

const filesAtOnce = 30;
// A page stops before its next file when it has this many lines.
const linesAtOnce = 5000;

const diffQuery = z.object({
  revision: z.coerce.number().int().positive(),
  from: z.coerce.number().int().min(0).default(0),
});

export interface ChangesPlace {
  repo: Repo;
  branch: Branch;
  revision: Revision;
}

interface TreeFile {
  name: string;
  anchor: string;
  letter: string;
  statusClass: FileView['statusClass'];
  /** Widths of the size bar, in a box of 28 units. */
  plus: number;
  minus: number;
  title: string;
}

interface TreeFolder {
  name: string;
  files: TreeFile[];
}

/** The tree and the first files of a revision's difference. */
export async function changesData(forge: Forge, place: ChangesPlace): Promise<Record<string, unknown>> {
  const diff = await diffOf(forge, place);
  const added = diff.files.reduce((sum, file) => sum + file.added, 0);
  const removed = diff.files.reduce((sum, file) => sum + file.removed, 0);
  return {
    folders: treeOf(diff.files),
    count: diff.files.length,
    added,
    removed,
    truncated: diff.truncated,
    noBase: place.revision.baseOid === undefined,
    ...(await filesFrom(forge, place, { diff, from: 0 })),
  };
}

export function changesPages(forge: Forge): Router {
  const router = Router();
  router.get('/:owner/:repo/branches/:number/diff', async (request, response) => {
    const { repo, branch } = branchOfRoute(forge, { request, response }, 'read');
    const { revision: number, from } = parse(diffQuery, request.query);
    const place = { repo, branch, revision: getRevision(forge, branch.id, number) };
    const files = await filesFrom(forge, place, { diff: await diffOf(forge, place), from });
    // The script of the page asks for the files alone; without it, the link is followed to a page of its own.
    const isNavigation = request.get('sec-fetch-mode') === 'navigate';
    response.vary('Sec-Fetch-Mode');
    const base = `/${repo.owner}/${repo.name}/branches/${branch.number}`;
    const template = isNavigation ? 'front/files.njk' : 'front/_files.njk';
    render(response, template, { repo, branch, base, changes: files });
  });
  return router;
}

const diffOf = (forge: Forge, { repo, revision }: ChangesPlace): Promise<Diff> =>
  branchDiff(forge, { repoId: repo.id, baseOid: revision.baseOid, headOid: revision.headOid });

async function filesFrom(
  forge: Forge,
  place: ChangesPlace,
  part: { diff: Diff; from: number },
): Promise<{ files: FileView[]; moreHref: string | undefined; left: number }> {
  const { repo, branch, revision } = place;
  const files = firstFiles(part.diff.files.slice(part.from, part.from + filesAtOnce));
  const end = part.from + files.length;
  const left = Math.max(0, part.diff.files.length - end);
  const base = `/${repo.owner}/${repo.name}/branches/${branch.number}`;
  return {
    files: await Promise.all(files.map((file) => viewFile(forge, { repoId: repo.id, file }))),
    moreHref: left > 0 ? `${base}/diff?revision=${revision.number}&from=${end}` : undefined,
    left,
  };
}

/** As many as fit on a page, one at least. */
function firstFiles(files: readonly DiffFile[]): DiffFile[] {
  let lines = 0;
  return files.filter((file, index) => {
    const isFitting = index === 0 || lines < linesAtOnce;
    lines += file.hunks.reduce((sum, hunk) => sum + hunk.lines.length, 0);
    return isFitting;
  });
}

/** Files by folder, both in git's order. */
function treeOf(files: readonly DiffFile[]): TreeFolder[] {
  const folders = new Map<string, TreeFile[]>();
  for (const file of files) {
    const path = pathOf(file);
    const slash = path.lastIndexOf('/');
    const folder = slash < 0 ? '' : visibleName(path.slice(0, slash));
    const list = folders.get(folder) ?? [];
    list.push(treeFile(file, path.slice(slash + 1)));
    folders.set(folder, list);
  }
  return [...folders].map(([name, list]) => ({ name, files: list }));
}

function treeFile(file: DiffFile, name: string): TreeFile {
  const total = file.added + file.removed;
  // The bar grows with the logarithm: ten lines are seen, a thousand still fit.
  const width = total === 0 ? 0 : Math.min(28, 4 + Math.log2(total) * 2.6);
  const plus = total === 0 ? 0 : (width * file.added) / total;
  return {
    name: visibleName(name),
    anchor: anchorOf(pathOf(file)),
    ...statusMarks[file.status],
    plus: Math.round(plus * 10) / 10,
    minus: Math.round((width - plus) * 10) / 10,
    title: `+${file.added} −${file.removed}`,
  };
}
