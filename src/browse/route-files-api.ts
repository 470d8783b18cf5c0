// Folders and files, refs and search as JSON. Names are text for people and `path` beside them is percent-encoded, so
// that every name that git can hold is told exactly.
import { Router } from 'express';
import type { Forge } from '../forge/open.ts';
import { encodePath, joinPath, showPath } from '../git/git-path.ts';
import { apiPrefix, placeOfRoute, routeBelow } from './place.ts';
import { entryAt, listFolder } from './tree.ts';

export function filesApi(forge: Forge): Router {
  const router = Router();
  router.get(routeBelow('tree', apiPrefix), async (request, response) => {
    const place = await placeOfRoute(forge, { request, response }, { under: 'tree' });
    const entry = await entryAt(forge, place);
    const entries = entry.kind === 'folder' ? await listFolder(forge, place, entry.oid) : [];
    const { kind, name } = place.ref;
    response.json({
      ref: { kind, name },
      commit: place.commit,
      path: encodePath(place.path),
      kind: entry.kind,
      oid: entry.oid,
      entries: entries.map((each) => ({
        ...each,
        name: showPath(each.name),
        path: encodePath(joinPath(place.path, each.name)),
      })),
    });
  });
  return router;
}
