import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import type { Repo } from './model.ts';
import { findRepoRow, listRepoRows } from './store.ts';

/** The repository of that name, whatever the case of the letters, or undefined. Says nothing about rights. */
export const findRepo = (forge: Forge, owner: string, name: string): Repo | undefined =>
  findRepoRow(forge.db, { owner, name });

export function getRepo(forge: Forge, id: number): Repo {
  const repo = findRepoRow(forge.db, { id });
  if (repo === undefined) throw new ForgeError('not_found', `There is no repository with id ${id}.`);
  return repo;
}

/** Every repository, the most recently pushed first. */
export const listRepos = (forge: Forge): Repo[] => listRepoRows(forge.db);
