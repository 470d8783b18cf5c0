// The page of one commit, its further files, and the branches and tags that contain it.
import { Router } from 'express';
import { z } from 'zod';
import { callerOf } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import type { Commit } from '../git/commit.ts';
import { encodePath, pathOfText } from '../git/git-path.ts';
import { ForgeError } from '../lib/errors.ts';
import { partAddress, partQuery, viewChanges, viewFilesFrom, type ShownDiff } from '../repos/changes-view.ts';
import { repoOf } from '../repos/guard.ts';
import { fullName, type Repo } from '../repos/model.ts';
import { rightOn } from '../repos/rights.ts';
import { visible, visibleName } from '../web/filters.ts';
import { diffChoiceOf } from '../web/diff-choice.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import { commitOf, commitsBeginning, diffInTurn, first, refsContaining } from './commit-page.ts';
import type { Exchange } from './place.ts';
import { isKnown } from './route-etag.ts';

export const commitQuery = partQuery.extend({
  /** Beside which of its parents a merge is shown, counted from 1. */
  parent: z.coerce.number().int().min(1).max(1000).default(1),
  /** The files alone. */
  part: z.literal('files').optional(),
});

export function commitPages(forge: Forge): Router {
  const router = Router();
  router.get('/:owner/:repo/commit/:oid', (request, response) => showCommit(forge, { request, response }));
  router.get('/:owner/:repo/commit/:oid/refs', (request, response) => showRefs(forge, { request, response }));
  return router;
}

async function showCommit(forge: Forge, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  const repo = repoOf(forge, exchange, 'read');
  const oid = await wholeId(forge, repo, String(request.params['oid']));
  const base = `/${fullName(repo)}`;
  if (oid !== request.params['oid']) {
    response.redirect(302, `${base}/commit/${oid}`);
    return;
  }
  const { parent, part, from, until, at } = parse(commitQuery, request.query);
  const isNavigation = request.get('sec-fetch-mode') === 'navigate';
  response.vary('Sec-Fetch-Mode');
  const right = rightOn(forge, callerOf(response), repo);
  if (isKnown(forge, exchange, { repo, key: oid })) return;
  const commit = await commitOf(forge, repo, oid);
  const shown = await shownDiff(forge, repo, {
    commit,
    parent,
    ignoresSpace: diffChoiceOf(response)?.ignoresSpace,
  });
  const view = { repo, base, commit: commitView(commit), href: `${base}/commit/${oid}` };
  if (part === 'files' || from > 0) {
    const changes = await viewFilesFrom(forge, { ...shown, from, until, at });
    // The script of the page asks for the files alone; without it, the link is followed to a page of its own.
    render(response, isNavigation ? 'browse/commit_more.njk' : '_changed_files.njk', { ...view, changes });
    return;
  }
  const changes = await viewChanges(forge, shown);
  if (changes.isWaiting) response.removeHeader('ETag');
  render(response, 'browse/commit.njk', { ...view, right, parent, changes });
}

/** A whole object id as it is, or the only commit that begins with the digits. */
async function wholeId(forge: Forge, repo: Repo, digits: string): Promise<string> {
  if (/^[0-9a-f]{40}$/.test(digits)) return digits;
  if (!/^[0-9a-f]{7,39}$/.test(digits)) {
    throw new ForgeError('not_found', 'A commit is named by at least 7 digits of its object id.');
  }
  const [oid, ...others] = await commitsBeginning(forge, repo, digits);
  if (oid !== undefined && others.length === 0) return oid;
  throw new ForgeError(
    'not_found',
    oid === undefined
      ? `There is no commit ${digits} in ${fullName(repo)}.`
      : `Several commits begin with ${digits}; give more digits.`,
  );
}

/** The parent with this number, undefined for a commit without any; refuses (`not_found`) a parent it has not. */
export function parentOf(commit: Commit, parent: number): string | undefined {
  if (parent <= Math.max(1, commit.parents.length)) return commit.parents[parent - 1];
  throw new ForgeError('not_found', `This commit has ${commit.parents.length} parents, not ${parent}.`);
}

async function shownDiff(
  forge: Forge,
  repo: Repo,
  beside: { commit: Commit; parent: number; ignoresSpace: boolean | undefined },
): Promise<ShownDiff> {
  const { commit, parent, ignoresSpace } = beside;
  const ends = { repoId: repo.id, baseOid: parentOf(commit, parent), headOid: commit.oid, ignoresSpace };
  const href = `/${fullName(repo)}/commit/${commit.oid}`;
  return {
    repoId: repo.id,
    diff: await diffInTurn(forge, ends),
    ignoresSpace: ends.ignoresSpace,
    first,
    filesBase: `/${fullName(repo)}/blob/${commit.oid}/`,
    rawBases: {
      old: ends.baseOid && `/${fullName(repo)}/raw/${ends.baseOid}/`,
      new: `/${fullName(repo)}/raw/${commit.oid}/`,
    },
    moreHref: (from, until) =>
      `${href}?parent=${parent}&part=files&${partAddress(from, until)}${ignoresSpace === true ? '&w=1' : ''}`,
  };
}

/** A commit as text that is safe to look at. */
function commitView(commit: Commit): Record<string, unknown> {
  const person = ({ name, email, at, zone }: Commit['author']) => ({
    name: visibleName(name) || '(nobody)',
    email: visibleName(email),
    at,
    zone,
  });
  const { oid, parents, signature, author, committer } = commit;
  const isSame = author.name === committer.name && author.email === committer.email;
  return {
    oid,
    parents,
    signature,
    subject: visibleName(commit.subject) || '(no message)',
    body: visible(commit.body),
    author: person(author),
    committer: isSame ? undefined : person(committer),
  };
}

async function showRefs(forge: Forge, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  const repo = repoOf(forge, exchange, 'read');
  const { oid } = await commitOf(forge, repo, await wholeId(forge, repo, String(request.params['oid'])));
  const found = await refsContaining(forge, repo, oid);
  const base = `/${fullName(repo)}`;
  const named = (kind: string) => (name: string) => ({
    name: visibleName(name),
    href: `${base}/commits/refs/${kind}/${encodePath(pathOfText(name))}`,
  });
  const isNavigation = request.get('sec-fetch-mode') === 'navigate';
  response.vary('Sec-Fetch-Mode');
  render(response, isNavigation ? 'browse/commit_refs.njk' : 'browse/_commit_refs.njk', {
    repo,
    base,
    oid,
    href: `${base}/commit/${oid}`,
    found: found && {
      branches: found.branches.map(named('heads')),
      tags: found.tags.map(named('tags')),
      hasMore: found.hasMore,
    },
  });
}
