import type { Forge } from '../forge/open.ts';

const turns = new WeakMap<Forge, Map<number, Promise<unknown>>>();

/**
 * Runs `body` when everything before it on the same repository has ended. Ingest and scan both compare refs
 * with rows over several steps of git; in turn, neither sees the other half done.
 */
export function inTurn<Result>(forge: Forge, repoId: number, body: () => Promise<Result>): Promise<Result> {
  const ofForge = turns.get(forge) ?? new Map<number, Promise<unknown>>();
  turns.set(forge, ofForge);
  const result = (ofForge.get(repoId) ?? Promise.resolve()).then(body);
  const turn = result
    .catch(() => undefined)
    .finally(() => {
      if (ofForge.get(repoId) === turn) ofForge.delete(repoId);
    });
  ofForge.set(repoId, turn);
  return result;
}
