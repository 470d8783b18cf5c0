// Answers 304 before a page is made: what a page shows follows from object ids and from who asks, so the same of both
// is the same page.
import { createHash, randomUUID } from 'node:crypto';
import type { Request, Response } from 'express';

// A newer program, with other templates, makes other pages of the same objects.
const program = randomUUID();

/**
 * Whether the browser has this page already; then it has been answered. `parts` are everything that the page is made
 * of beside its address and its reader. The tag is taken off again when an error is answered instead.
 */
export function isUnchanged(
  exchange: { request: Request; response: Response },
  parts: readonly (string | number | undefined)[],
): boolean {
  const { request, response } = exchange;
  const reader: unknown = response.locals['page'];
  const seen = JSON.stringify([program, reader, request.originalUrl, request.get('sec-fetch-mode'), parts]);
  const tag = createHash('sha256').update(seen).digest('base64url').slice(0, 27);
  response.setHeader('ETag', `W/"${tag}"`);
  response.setHeader('Cache-Control', 'private, no-cache');
  if (!request.fresh) return false;
  response.status(304).end();
  return true;
}
