import type { Branch } from '../../branches/model.ts';
import type { Forge } from '../../forge/open.ts';
import { resolveBranch } from '../../git/refs.ts';
import type { Repo } from '../../repos/model.ts';
import { repoPath } from '../../repos/path.ts';
import { usualMessage } from './message.ts';
import { methodsOf, usualMethod } from './method.ts';
import type { MergeChoicesView } from '../model.ts';

/** How an open branch would be merged: each method that may be chosen, the usual one first, with its usual message. */
export async function mergeChoices(
  forge: Forge,
  { repo, branch }: { repo: Repo; branch: Branch },
): Promise<MergeChoicesView> {
  const targetOid = await resolveBranch(forge.git, repoPath(forge, repo.id), branch.target);
  if (targetOid === undefined || branch.brokenReason !== undefined || branch.state !== 'open') {
    return { methods: [] };
  }
  const sides = { branch, targetOid, headOid: branch.headOid };
  const usual = await usualMethod(forge, repo, targetOid);
  const methods = methodsOf(usual).map(async (method) => ({
    method,
    message: await usualMessage(forge, { ...sides, method }),
  }));
  return { methods: await Promise.all(methods) };
}
