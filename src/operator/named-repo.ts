import { z } from 'zod';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { findRepo } from '../repos/find.ts';
import type { Repo } from '../repos/model.ts';

export const repoArgument = z.string().regex(/^[^/]+\/[^/]+$/, 'name the repository as OWNER/NAME');

/** The repository that an operator named, or a refusal (`not_found`). */
export function namedRepo(forge: Forge, name: string): Repo {
  const [owner = '', short = ''] = name.split('/');
  const found = findRepo(forge, owner, short);
  if (found === undefined) throw new ForgeError('not_found', `There is no repository ${name}.`);
  return found;
}
