// The artifacts of an attempt as its page and the API show them.
import type { Forge } from '../../forge/open.ts';
import type { ArtifactView, Attempt } from '../model.ts';
import type { ShownLane } from '../shown-run.ts';
import { listArtifactRows } from './yield-store.ts';

const shownAtOnce = 20;

export const artifactsOf = (forge: Forge, attempt: Attempt, lanePath: string): ArtifactView[] =>
  listArtifactRows(forge.db, attempt.id).map((artifact) => ({
    ...artifact,
    url: `${lanePath}/artifacts/${artifact.path.split('/').map(encodeURIComponent).join('/')}?attempt=${attempt.number}`,
  }));

/** Undefined when there are none. */
export function laneArtifacts(forge: Forge, { attempt, lanePath }: ShownLane) {
  const all = artifactsOf(forge, attempt, lanePath);
  if (all.length === 0) return undefined;
  return {
    first: all.slice(0, shownAtOnce),
    rest: all.slice(shownAtOnce),
    count: all.length,
    bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}
