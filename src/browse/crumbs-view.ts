import { joinPath, namesOf, showPath } from '../git/git-path.ts';
import { visibleName } from '../web/filters.ts';
import type { Place, PlaceVerb } from './place.ts';

export interface Crumb {
  name: string;
  href: string;
}

/** The folders above a place and itself, each with its address under `verb`. */
export function crumbsOf(place: Place, verb: PlaceVerb): Crumb[] {
  const names = namesOf(place.path);
  return names.map((name, index) => ({
    name: visibleName(showPath(name)),
    href: place.url(verb, joinPath(...names.slice(0, index + 1))),
  }));
}
