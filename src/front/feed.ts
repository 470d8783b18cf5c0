// What happens with the branches of a repository, as an Atom feed (RFC 4287) for readers of news. A private repository's
// is read with a token as the password, which every reader can send; it never stands in the address.
import { Router } from 'express';
import { listLatestBranches } from '../branches/find.ts';
import type { Branch } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import { repoOf } from '../repos/guard.ts';
import { fullName, type Repo } from '../repos/model.ts';
import { branchUrl, repoUrls } from '../repos/urls.ts';
import { visible } from '../web/filters.ts';
import { renderToString } from '../web/render.ts';

interface Entry {
  /** Stays the same for ever, as Atom asks. */
  id: string;
  url: string;
  at: number;
  title: string;
  author: string;
  text: string;
}

export function feedPages(forge: Forge): Router {
  const router = Router();
  router.get('/:owner/:repo/feed.atom', (request, response) => {
    const repo = repoOf(forge, { request, response }, 'read');
    const entries = entriesOf(forge, repo);
    const { page } = repoUrls(forge, repo);
    // The page's policy forbids styles and scripts here as everywhere; readers show the text alone.
    response.type('application/atom+xml').send(
      renderToString('front/feed.njk', {
        url: page,
        title: fullName(repo),
        at: entries[0]?.at ?? repo.createdAt,
        entries,
      }),
    );
  });
  return router;
}

function entriesOf(forge: Forge, repo: Repo): Entry[] {
  const { maxRowsPerPage } = forge.config.limits;
  return listLatestBranches(forge, repo.id, maxRowsPerPage)
    .flatMap((branch) => {
      const url = branchUrl(forge, repo, branch.number);
      return turnsOf(branch).map(({ name, at, text, author }) => ({
        id: `${url}#${name}-${at}`,
        url,
        at,
        title: xmlText(`${branch.title} (#${branch.number}) ${name}`),
        author: xmlText(author ?? fullName(repo)),
        text: xmlText(text),
      }));
    })
    .toSorted((a, b) => b.at - a.at)
    .slice(0, maxRowsPerPage);
}

function turnsOf(branch: Branch): { name: string; at: number; text: string; author: string | undefined }[] {
  const { name, target, authorName, settledByName, settledAt, state } = branch;
  const opened = {
    name: 'opened',
    at: branch.createdAt,
    text: `${name} is to land on ${target}.`,
    author: authorName,
  };
  if (state === 'open' || settledAt === undefined) return [opened];
  const text =
    state === 'merged' ? `${name} has landed on ${target}.` : `${name} was closed without landing.`;
  return [opened, { name: state, at: settledAt, text, author: settledByName }];
}

/** Without what XML 1.0 cannot hold even when it is escaped: control characters are shown, the rest is left out. */
const xmlText = (text: string): string => visible(text.toWellFormed()).replaceAll(/[\uFFFE\uFFFF]/g, '');
