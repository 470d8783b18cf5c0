// How a branch may be merged. The repository, or the policy of the target, names the usual method; one that keeps
// history straighter may be taken in its place, one that keeps it less straight may not.
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { mergeMethods, type MergeMethod, type Repo } from '../../repos/model.ts';
import { readPolicy } from '../policy/policy.ts';

/** The methods that may be chosen where `usual` is the usual one, the usual one first. */
export const methodsOf = (usual: MergeMethod): MergeMethod[] =>
  mergeMethods.slice(mergeMethods.indexOf(usual));

/** The method of the target's policy, or else of the repository; a policy that cannot be read names none. */
export async function usualMethod(forge: Forge, repo: Repo, targetOid: string): Promise<MergeMethod> {
  const policy = await readPolicy(forge, repo, targetOid).catch((error: unknown) => {
    if (error instanceof ForgeError && error.code === 'invalid') return undefined;
    throw error;
  });
  return policy?.landing.method ?? repo.mergeMethod;
}

/** The method that was asked for, or the usual one. Refuses (`invalid`) one that the repository does not take. */
export function chooseMethod(usual: MergeMethod, wanted: MergeMethod | undefined): MergeMethod {
  const methods = methodsOf(usual);
  if (wanted === undefined || methods.includes(wanted)) return wanted ?? usual;
  throw new ForgeError(
    'invalid',
    `Branches do not land here by ${wanted}: the usual method is ${usual}. Choose ${methods.join(' or ')}.`,
  );
}
