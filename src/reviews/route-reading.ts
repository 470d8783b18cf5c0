// What a reviewer reads, as API: the difference of a revision, and the tutorial that explains it.
import { Router } from 'express';
import type { z } from 'zod';
import { getRevision } from '../branches/find.ts';
import type { Revision } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import type { Diff, DiffFile } from '../git/diff.ts';
import { readPatchText } from '../git/patch-text.ts';
import { ForgeError } from '../lib/errors.ts';
import { diffBetween } from '../repos/diff-between.ts';
import { pathOf } from '../repos/file-view.ts';
import { repoPath } from '../repos/path.ts';
import { newestTutorial } from '../tutorials/find.ts';
import { apiRoute, apiRow } from '../web/api-route.ts';
import type { ReviewOrder } from './author.ts';
import { orderOf } from './guard.ts';
import {
  branchDiffView,
  revisionQuery,
  tutorialView,
  type BranchDiffView,
  type TutorialView,
} from './model.ts';
import { rangeOf } from './range.ts';
import { changedSince } from './since.ts';
import { sinceParameter } from './viewed-model.ts';

const patchQuery = revisionQuery.extend({ since: sinceParameter.optional() });
const branch = '/api/v1/repos/:owner/:repo/branches/:number';

const table = {
  diff: apiRow({
    method: 'get',
    path: `${branch}/diff`,
    summary: 'Show the difference between a revision and its merge base',
    right: 'read',
    query: revisionQuery,
    answer: branchDiffView,
  }),
  patch: apiRow({
    method: 'get',
    path: `${branch}/patch`,
    summary: 'Read the same difference as a patch for git apply',
    right: 'read',
    description:
      'With `since`: the patch from an earlier revision, as if it stood on the base of the later one.',
    query: patchQuery,
    answer: 'text',
  }),
  tutorial: apiRow({
    method: 'get',
    path: `${branch}/tutorial`,
    summary: 'Read the tutorial of a branch',
    right: 'read',
    answer: tutorialView,
  }),
};

export function readingApi(forge: Forge): Router {
  const router = Router();
  apiRoute(router, table.diff, async (request, response, sent) => {
    const order = orderOf(forge, { request, response });
    const revision = revisionOf(forge, order, sent.query().revision);
    const { baseOid, headOid } = revision;
    const diff = await diffBetween(forge, { repoId: order.repo.id, baseOid, headOid });
    response.json(diffViewOf(revision, diff));
  });
  apiRoute(router, table.patch, async (request, response, sent) => {
    const order = orderOf(forge, { request, response });
    const { baseOid, headOid } = await endsOf(forge, order, sent.query());
    const maxBytes = forge.config.limits.maxDiffBytes;
    const range = { repo: repoPath(forge, order.repo.id), base: baseOid, head: headOid, maxBytes };
    const patch = await readPatchText(forge.git, range);
    if (patch === undefined) {
      throw new ForgeError(
        'too_large',
        `This difference is larger than ${maxBytes} bytes. Fetch the branch and read it with git diff.`,
      );
    }
    response.type('text/plain').set('X-Content-Type-Options', 'nosniff').send(patch);
  });
  apiRoute(router, table.tutorial, (request, response) => {
    response.json(tutorialViewOf(forge, orderOf(forge, { request, response })));
  });
  return router;
}

const revisionOf = (forge: Forge, { branch: { id, revision } }: ReviewOrder, wanted?: number): Revision =>
  getRevision(forge, id, wanted ?? revision);

/** What a patch goes from and to. */
async function endsOf(
  forge: Forge,
  order: ReviewOrder,
  { since, revision }: z.output<typeof patchQuery>,
): Promise<{ baseOid: string | undefined; headOid: string }> {
  if (since === undefined) return revisionOf(forge, order, revision);
  const range = rangeOf(forge, order, { since, revision });
  const { baseOid } = await changedSince(forge, { ...order, ...range });
  return { baseOid, headOid: range.to.headOid };
}

const diffViewOf = ({ number, baseOid, headOid }: Revision, diff: Diff): BranchDiffView => ({
  revision: number,
  base: baseOid ?? null,
  head: headOid,
  truncated: diff.truncated,
  files: diff.files.map(diffFileViewOf),
});

export const diffFileViewOf = (file: DiffFile): BranchDiffView['files'][number] => ({
  status: file.status,
  oldPath: file.oldPath,
  path: pathOf(file),
  binary: file.binary,
  tooLarge: file.tooLarge,
  added: file.added,
  removed: file.removed,
  hunks: file.hunks.map(({ lines, ...hunk }) => ({
    ...hunk,
    lines: lines.map(({ kind, text, oldNumber, newNumber }) => ({
      kind,
      text,
      oldNumber: oldNumber ?? null,
      newNumber: newNumber ?? null,
    })),
  })),
});

function tutorialViewOf(forge: Forge, { branch: { id, revision: current } }: ReviewOrder): TutorialView {
  const tutorial = newestTutorial(forge, id);
  return {
    state: tutorial?.state ?? 'none',
    revision: tutorial?.revision ?? null,
    current,
    writer: tutorial?.writer ?? null,
    message: tutorial?.message ?? null,
    summary: tutorial?.body?.summary ?? '',
    steps: (tutorial?.body?.steps ?? []).map(({ title, intent, prose, hunks }, index) => ({
      number: index + 1,
      title,
      intent,
      prose,
      hunks,
    })),
  };
}
