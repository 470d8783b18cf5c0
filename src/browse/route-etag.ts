// Pages that follow from object ids alone are not made anew for a reader who still has them.
import { createHash, randomUUID } from 'node:crypto';
import { callerOf } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import type { Repo } from '../repos/model.ts';
import { rightOn } from '../repos/rights.ts';
import { assetVersion } from '../web/app.ts';
import type { Exchange } from './place.ts';

// A newer program, with other templates, makes other pages of the same objects.
const program = randomUUID();

/**
 * Marks the answer with what it follows from: `key`, beside the address, the reader and our own files. True when the
 * reader has just that answer; it is then told so, and the route is done. An error takes the mark off again.
 */
export function isKnown(forge: Forge, exchange: Exchange, page: { repo: Repo; key: string }): boolean {
  const { request, response } = exchange;
  const right = rightOn(forge, callerOf(response), page.repo);
  // When it was asked for is in what every page is given, and in none of these.
  const { at: _at, ...shell } = response.locals['page'] as { at: number };
  // Pages say "6 min ago": a script keeps that true, and without one it is true to the day.
  const today = Math.floor(forge.clock.now() / 86_400_000);
  const asked = [request.originalUrl, request.get('sec-fetch-mode'), page.key];
  const seen = JSON.stringify([program, assetVersion(), today, shell, right, page.repo.id, asked]);
  const tag = createHash('sha256').update(seen).digest('base64url').slice(0, 27);
  response.setHeader('ETag', `W/"${tag}"`);
  response.setHeader('Cache-Control', 'private, no-cache');
  if (!request.fresh) return false;
  response.status(304).end();
  return true;
}
