import type { Forge } from '../forge/open.ts';
import type { Tutorial } from './model.ts';
import { findTutorialRow } from './store.ts';

export const findTutorial = (forge: Forge, branchId: number, revision: number): Tutorial | undefined =>
  findTutorialRow(forge.db, { branchId, revision });

/** The tutorial of the newest revision that has one, whatever its state. */
export const newestTutorial = (forge: Forge, branchId: number): Tutorial | undefined =>
  findTutorialRow(forge.db, { branchId });
