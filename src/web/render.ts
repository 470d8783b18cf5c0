// Server-rendered pages. Autoescape is on; `safe` is used in templates/_safe.njk alone (a test greps).
import type { Response } from 'express';
import nunjucks from 'nunjucks';
import { diffPieces } from './diff-html.ts';
import { filters } from './filters.ts';
import { expanders } from './hunk-bar.ts';
import { treeRows } from './tree-html.ts';

const templatesFolder = new URL('../../templates/', import.meta.url).pathname;

/** Everything that a template may call. */
export const templateFilters = { ...filters, diffPieces, expanders, treeRows };

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
 * `response.locals.page` by the guard.
 */
export function render(response: Response, template: string, data: Record<string, unknown> = {}): void {
  const page: unknown = response.locals['page'];
  response.type('html').send(renderToString(template, { page, ...data }));
}
