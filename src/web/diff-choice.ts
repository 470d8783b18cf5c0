// How a reader wants to see differences: in one column or side by side, which the browser remembers in a cookie, and
// with or without changes of white space, which the address says.
import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';

export interface DiffChoice {
  view: 'unified' | 'split';
  ignoresSpace: boolean;
  /** The same page with the other answer, as what stands behind its path. */
  viewHref: string;
  spaceHref: string;
}

const cookieName = 'diff_view';
const yearMs = 365 * 24 * 60 * 60 * 1000;
const views = z.enum(['unified', 'split']);
// `wide` is split too, chosen by the width of the window (diff-view.js) and given up with it.
const remembered = /(?:^|;\s*)diff_view=(split|wide)(?:;|$)/;

/** Puts the choice into `response.locals.page.diff`; mounted behind `identify`. `?view=` is remembered from then on. */
export function readDiffChoice(): RequestHandler {
  return (request, response, next) => {
    const page = response.locals['page'] as { diff?: DiffChoice } | undefined;
    if (page !== undefined && request.method === 'GET') page.diff = choiceOf(request, response);
    next();
  };
}

/** What the page that is being answered was asked for. */
export const diffChoiceOf = (response: Response): DiffChoice | undefined =>
  (response.locals['page'] as { diff?: DiffChoice } | undefined)?.diff;

function choiceOf(request: Request, response: Response): DiffChoice {
  const asked = views.safeParse(request.query['view']).data;
  if (asked !== undefined) {
    response.cookie(cookieName, asked, {
      path: '/',
      maxAge: yearMs,
      sameSite: 'lax',
      secure: request.secure,
    });
  }
  const view = asked ?? (remembered.test(request.get('cookie') ?? '') ? 'split' : 'unified');
  const ignoresSpace = request.query['w'] === '1';
  return {
    view,
    ignoresSpace,
    viewHref: hrefWith(request, 'view', view === 'split' ? 'unified' : 'split'),
    spaceHref: hrefWith(request, 'w', ignoresSpace ? undefined : '1'),
  };
}

/** Only the query, which is meant below the path of the page: no address can lead away from it. */
function hrefWith(request: Request, key: string, value: string | undefined): string {
  const at = request.originalUrl.indexOf('?');
  const query = new URLSearchParams(at < 0 ? '' : request.originalUrl.slice(at + 1));
  query.delete('fragment');
  query.delete('view');
  query.delete(key);
  if (value !== undefined) query.set(key, value);
  return `?${query.toString()}`;
}
