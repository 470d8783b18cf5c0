// A forge that dies in the middle of something: after so many calls of git and of the database every further one throws, also
// those of whoever catches that. What was written by then stays, as after a SIGKILL.
import type { Forge } from '../../src/forge/open.ts';
import { closeReaders } from '../../src/git/object-reader.ts';

export class Died extends Error {}

export interface MortalForge {
  forge: Forge;
  /** Dies before the `calls`-th call from now, or from when `once` holds. */
  dieAfter(calls: number, once?: () => boolean): void;
  isDead(): boolean;
  /** Ends the programs that it asked. */
  bury(): void;
}

export function mortalForge(immortal: Forge): MortalForge {
  let left = Number.POSITIVE_INFINITY;
  let hasBegun = (): boolean => true;
  const count = (): void => {
    if (left >= 0 && !hasBegun()) return;
    left -= 1;
    if (left < 0) throw new Died('the forge was killed');
  };
  const counting = <Part extends object>(part: Part): Part =>
    new Proxy(part, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          count();
          return (value as (...all: unknown[]) => unknown).apply(target, args);
        };
      },
    });
  const forge: Forge = { ...immortal, git: counting(immortal.git), db: counting(immortal.db) };
  return {
    forge,
    dieAfter: (calls, once = () => true) => {
      left = calls;
      hasBegun = once;
    },
    isDead: () => left < 0,
    bury: () => closeReaders(forge.git),
  };
}
