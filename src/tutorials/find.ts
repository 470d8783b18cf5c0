import type { Forge } from '../forge/open.ts';
import type { Tutorial } from './model.ts';
import { findShownRow, findTutorialRow } from './store.ts';

export const findTutorial = (forge: Forge, branchId: number, revision: number): Tutorial | undefined =>
  findTutorialRow(forge.db, { branchId, revision });

/** The tutorial of the newest revision that has one, whatever its state. */
export const newestTutorial = (forge: Forge, branchId: number): Tutorial | undefined =>
  findTutorialRow(forge.db, { branchId });

/** The tutorial to show: of the newest revision that has one with steps, else the newest, whatever its state. */
export const shownTutorial = (forge: Forge, branchId: number): Tutorial | undefined =>
  findShownRow(forge.db, branchId);
