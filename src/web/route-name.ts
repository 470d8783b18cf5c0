import type { Request } from 'express';
import { rowOf } from './api-route.ts';

interface Mounted {
  path: string | RegExp;
  stack: { handle: object }[];
}

const known = new WeakMap<RegExp, string>();

/**
 * The route that a request came to, as it is mounted: never an address, of which there are as many as somebody likes.
 * `none` where nothing answers.
 */
export function routeName(request: Request): string {
  const route = request.route as Mounted | undefined;
  if (route === undefined) return 'none';
  const handle = route.stack[0]?.handle;
  const row = handle && rowOf(handle);
  if (row !== undefined) return row.path;
  // What is mounted below a path answers for that of Git LFS alone.
  const below = request.baseUrl === '' ? '' : '/:owner/:repo/info/lfs';
  return below + (typeof route.path === 'string' ? route.path : nameOf(route.path));
}

/** A page that is mounted by an expression is named by what stands before the place that it reads: `/:owner/:repo/tree`. */
function nameOf(path: RegExp): string {
  const before = known.get(path);
  if (before !== undefined) return before;
  const under = /\(\?<repo>[^)]*\)\\?\/([a-z]+)/.exec(path.source)?.[1];
  const name = under === undefined ? 'other' : `/:owner/:repo/${under}`;
  known.set(path, name);
  return name;
}
