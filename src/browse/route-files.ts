// The pages of folders and files, refs, archives and search.
import { Router } from 'express';
import { callerOf } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import { joinPath, namesOf, showPath } from '../git/git-path.ts';
import { rightOn } from '../repos/rights.ts';
import { visibleName } from '../web/filters.ts';
import { render } from '../web/render.ts';
import { findPlace, routeBelow, type Exchange, type Place } from './place.ts';
import { entryAt, listFolder } from './tree.ts';

export function filePages(forge: Forge): Router {
  const router = Router();
  router.get(routeBelow('tree'), (request, response) => showFolder(forge, { request, response }));
  return router;
}

async function showFolder(forge: Forge, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  const place = await findPlace(forge, exchange, { under: 'tree' });
  if (place === undefined) {
    response.redirect(302, `/${String(request.params['owner'])}/${String(request.params['repo'])}`);
    return;
  }
  const entry = await entryAt(forge, place);
  if (entry.kind !== 'folder') {
    response.redirect(302, place.url('blob'));
    return;
  }
  const entries = await listFolder(forge, place, entry.oid);
  render(response, 'browse/tree.njk', {
    repo: place.repo,
    right: rightOn(forge, callerOf(response), place.repo),
    ref: place.ref,
    crumbs: crumbsOf(place),
    entries: entries.map((each) => ({
      ...each,
      name: visibleName(showPath(each.name)),
      href: place.url(each.kind === 'folder' ? 'tree' : 'blob', joinPath(place.path, each.name)),
    })),
  });
}

/** The folders above a place and itself, each with its address. */
function crumbsOf(place: Place): { name: string; href: string }[] {
  const names = namesOf(place.path);
  return names.map((name, index) => ({
    name: visibleName(showPath(name)),
    href: place.url('tree', joinPath(...names.slice(0, index + 1))),
  }));
}
