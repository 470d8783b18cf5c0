// Which secrets a lane is given. Both must allow it: the secret, whose patterns name the branches that may have it, and the
// target branch, whose manifest must give it to the lane of that name. What the target does not allow was taken out when the
// run was made; here its name only gets its reason. A branch that writes a secret into its own manifest has it after landing.
import { getBranch } from '../../branches/find.ts';
import type { Forge } from '../../forge/open.ts';
import { compileGlob } from '../../lib/glob.ts';
import { getRepo } from '../../repos/find.ts';
import type { Repo } from '../../repos/model.ts';
import { protectionOf } from '../../repos/protected.ts';
import type { Claim } from '../scheduler/claim.ts';
import { getRun, listLanes } from '../find.ts';
import type { Run } from '../model.ts';
import { openSealed, readSealKey } from '../../lib/seal.ts';
import { findSecretRow, getSealed } from './secret-store.ts';
import { placeOfSecret } from './set-secret.ts';

// A program with a larger environment is not started at all.
const maxTotalBytes = 1024 * 1024;

export interface SecretsAnswer {
  secrets: Record<string, string>;
  /** What the lane asked for and does not get, each with the reason in words for its log. */
  withheld: { name: string; why: string }[];
}

/**
 * The secrets of a lane as their patterns stand now. A lane that does not get one runs without it, and its log says why.
 * Refuses (`unavailable`) only when the key that secrets are sealed with is damaged.
 */
export function secretsFor(forge: Forge, claim: Pick<Claim, 'runId' | 'laneId'>): SecretsAnswer {
  const answer: SecretsAnswer = { secrets: {}, withheld: [] };
  const lane = listLanes(forge, claim.runId).find(({ id }) => id === claim.laneId);
  if (lane === undefined) return answer;
  const { secrets: wanted, refusedSecrets: refused = [] } = lane.extras;
  if (wanted.length + refused.length === 0) return answer;
  const run = getRun(forge, claim.runId);
  const repo = getRepo(forge, run.repoId);
  const ref = refOf(forge, repo, run);
  const isProtected = protectionOf(forge, repo)(ref.target) !== undefined;
  for (const name of new Set([...refused, ...wanted])) {
    const found = refused.includes(name)
      ? { why: `the lanes.toml of ${ref.target} does not give it to this lane; it does once that has landed` }
      : // Whoever may push to the target directly writes its policy, too.
        !isProtected
        ? { why: `the target ${ref.target} is not protected, so its lanes.toml gives nothing` }
        : openFor(forge, { repo, name, branches: ref.branches });
    if ('value' in found && fits(answer, found.value)) answer.secrets[name] = found.value;
    else if ('value' in found) answer.withheld.push({ name, why: tooMuch });
    else answer.withheld.push({ name, why: found.why });
  }
  return answer;
}

const tooMuch = `all secrets of a lane together have at most ${maxTotalBytes} bytes`;

const fits = ({ secrets }: SecretsAnswer, value: string): boolean =>
  [...Object.values(secrets), value].reduce((sum, one) => sum + Buffer.byteLength(one), 0) <= maxTotalBytes;

/**
 * A landing run tests what has not landed: it is given what every one of its branches would be given alone. A nightly counts
 * as a run of the default branch.
 */
function refOf(forge: Forge, repo: Repo, run: Run): { branches: string[]; target: string } {
  const { branchId, landingBranches, target = repo.defaultBranch } = run;
  if (run.kind === 'landing') return { branches: landingBranches, target };
  if (branchId === undefined) return { branches: [repo.defaultBranch], target };
  const branch = getBranch(forge, branchId);
  return { branches: [branch.name], target: branch.target };
}

function openFor(
  forge: Forge,
  { repo, name, branches }: { repo: Repo; name: string; branches: readonly string[] },
): { value: string } | { why: string } {
  const secret = findSecretRow(forge.db, repo.id, name);
  const sealed = getSealed(forge.db, repo.id, name);
  if (secret === undefined || sealed === undefined) {
    return { why: `there is no such secret; set it with: ph secret set ${name}` };
  }
  const patterns = secret.refs.map((pattern) => compileGlob(pattern));
  const unmatched = branches.find((branch) => !patterns.some((matches) => matches(branch)));
  if (unmatched !== undefined || branches.length === 0) {
    return { why: `it is for ${secret.refs.join(', ')} and not for ${unmatched ?? 'a landing'}` };
  }
  const value = openSealed(readSealKey(forge.config.paths.keys), sealed, placeOfSecret(repo.id, name));
  return value === undefined
    ? { why: `it was sealed with a key that is gone; set it again with: ph secret set ${name}` }
    : { value };
}
