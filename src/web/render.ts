// Server-rendered pages. Autoescape is on; `safe` is used in templates/_safe.njk alone (a test greps).
import type { Response } from 'express';
import { createHash } from 'node:crypto';
import nunjucks from 'nunjucks';
import { diffPieces } from './diff-html.ts';
import { filters } from './filters.ts';
import { expanders } from './hunk-bar.ts';
import { treeParts } from './tree-html.ts';

const templatesFolder = new URL('../../templates/', import.meta.url).pathname;

/** Everything that a template may call. */
export const templateFilters = { ...filters, diffPieces, expanders, treeParts };

const environment = new nunjucks.Environment(new nunjucks.FileSystemLoader(templatesFolder), {
  autoescape: true,
  throwOnUndefined: false,
  trimBlocks: true,
  lstripBlocks: true,
});
for (const [name, filter] of Object.entries(templateFilters)) environment.addFilter(name, filter);

/** A template as text; `data` is everything it sees. */
export function renderToString(template: string, data: Record<string, unknown>): string {
  return environment.render(template, data);
}

/**
 * Answers with a page. Beside `data` a template sees `page`: `{ account, formToken, path, now }`, put into
 * `response.locals.page` by the guard. Whoever has the same page already is told so (304).
 */
export function render(response: Response, template: string, data: Record<string, unknown> = {}): void {
  const page = response.locals['page'] as { at?: number } | undefined;
  const html = renderToString(template, { page, ...data });
  const body = Buffer.from(html);
  if (!response.hasHeader('ETag')) response.set('ETag', tagOf(body, page?.at));
  response.type('html').send(body);
}

// The mark of the time stands before this.
const maxHeadBytes = 20_000;

/** When a page was asked for stands in it, for its live stream; an older time only makes that tell a little more. */
function tagOf(body: Buffer, at: number | undefined): string {
  const mark = ` data-at="${at}"`;
  const place = body.subarray(0, maxHeadBytes).indexOf(mark);
  const told = createHash('sha1');
  if (place < 0) told.update(body);
  else told.update(body.subarray(0, place)).update(body.subarray(place + mark.length));
  return `W/"${told.digest('base64url')}"`;
}
