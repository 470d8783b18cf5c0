// Decides about a whole push before anything of it is accepted; nothing else decides about refs. Every
// refusal names the ref, the rule and the way out in one line, and one refused ref refuses the push.
import { realpath } from 'node:fs/promises';
import type { Caller } from '../accounts/model.ts';
import type { Forge } from '../forge/open.ts';
import { findDeepPath, isFastForward, surveyPush } from '../git/incoming.ts';
import { branchOf, isCreation, isDeletion, tagOf, type RefUpdate } from '../git/push.ts';
import { listRefs } from '../git/refs.ts';
import { fullName, includesRight, refNameProblem, type Repo } from '../repos/model.ts';
import { repoPath } from '../repos/path.ts';
import { isProtected } from '../repos/protected.ts';
import { rightOn } from '../repos/rights.ts';

const maxRefusals = 20;

export interface Push {
  repo: Repo;
  caller: Caller;
  updates: readonly RefUpdate[];
  /** GIT_QUARANTINE_PATH: where the new objects are; undefined when none were sent. */
  quarantine: string | undefined;
}

interface Situation extends Push {
  /** Every branch and tag that exists, by full ref name. */
  refs: ReadonlyMap<string, string>;
  /** The full names of refs that exist or are pushed, by their lower-case form. */
  spellings: ReadonlyMap<string, ReadonlySet<string>>;
  hasBranches: boolean;
}

/** Why the push is refused, one sentence per line; empty when all of it is allowed. */
export async function decidePush(forge: Forge, push: Push): Promise<string[]> {
  const { maxRefsPerPush } = forge.config.limits;
  if (push.updates.length > maxRefsPerPush) {
    return [
      `The push has ${push.updates.length} refs, but at most ${maxRefsPerPush} are taken at once. Push them in parts.`,
    ];
  }
  const situation = await readSituation(forge, push);
  const refusals: string[] = [];
  for (const update of push.updates) {
    const refusal = refuseRef(forge, situation, update) ?? (await refuseForce(forge, situation, update));
    if (refusal !== undefined) refusals.push(`${shown(update.ref)}: ${refusal}`);
  }
  if (refusals.length === 0) refusals.push(...(await refuseObjects(forge, push)));
  const more = refusals.length - maxRefusals;
  return more > 0 ? [...refusals.slice(0, maxRefusals), `… and ${more} more.`] : refusals;
}

async function readSituation(forge: Forge, push: Push): Promise<Situation> {
  const refs = await listRefs(forge.git, repoPath(forge, push.repo.id), ['refs/heads/', 'refs/tags/']);
  const spellings = new Map<string, Set<string>>();
  const pushed = push.updates.filter((update) => !isDeletion(update)).map((update) => update.ref);
  for (const ref of [...refs.keys(), ...pushed]) {
    const key = ref.toLowerCase();
    spellings.set(key, (spellings.get(key) ?? new Set()).add(ref));
  }
  const hasBranches = [...refs.keys()].some((ref) => branchOf(ref) !== undefined);
  return { ...push, refs, spellings, hasBranches };
}

function refuseRef(forge: Forge, situation: Situation, update: RefUpdate): string | undefined {
  const branch = branchOf(update.ref);
  const tag = tagOf(update.ref);
  const name = branch ?? tag;
  if (name === undefined) {
    return 'only branches (refs/heads/…) and tags (refs/tags/…) can be pushed. Push HEAD:refs/heads/NAME instead.';
  }
  // Whatever stands there already may be removed, however it came to be called so.
  if (!isDeletion(update) || !situation.refs.has(update.ref)) {
    const problem = refNameProblem(name) ?? clashProblem(situation, update.ref);
    if (problem !== undefined) return `${problem}. Choose another name.`;
  }
  return branch === undefined
    ? refuseTag(forge, situation, update)
    : refuseBranch(forge, situation, { ...update, branch });
}

/** Names that some file system, tool or reader would take for one another. */
function clashProblem(situation: Situation, ref: string): string | undefined {
  const spellings = situation.spellings.get(ref.toLowerCase()) ?? new Set();
  const other = [...spellings].find((spelling) => spelling !== ref);
  if (other !== undefined) return `it differs from ${shown(other)} only by upper and lower case`;
  const branch = branchOf(ref);
  const twin = branch === undefined ? `refs/heads/${tagOf(ref) ?? ''}` : `refs/tags/${branch}`;
  if (!situation.spellings.get(twin.toLowerCase())?.has(twin)) return undefined;
  return branch === undefined ? 'a branch has the same name' : 'a tag has the same name';
}

function refuseBranch(
  forge: Forge,
  situation: Situation,
  update: RefUpdate & { branch: string },
): string | undefined {
  const { repo, hasBranches } = situation;
  const { branch } = update;
  if (!isProtected(forge, repo, branch)) return undefined;
  const isFirst = branch === repo.defaultBranch && isCreation(update) && !hasBranches;
  if (isFirst) return undefined;
  const what = branch === repo.defaultBranch ? 'the default branch' : 'a protected branch';
  if (isDeletion(update))
    return `${what} of ${fullName(repo)} cannot be deleted. Make another branch the default one first.`;
  return `${what} takes no direct push; changes land through the forge. Push a branch: git push REMOTE HEAD:refs/heads/NAME`;
}

function refuseTag(forge: Forge, situation: Situation, update: RefUpdate): string | undefined {
  if (isCreation(update)) return undefined;
  if (includesRight(rightOn(forge, situation.caller, situation.repo), 'maintain')) return undefined;
  return 'only a maintainer moves or deletes a tag that exists. Push a new tag, or ask one.';
}

/** Agents never rewrite what people may have read already. */
async function refuseForce(
  forge: Forge,
  situation: Situation,
  update: RefUpdate,
): Promise<string | undefined> {
  const { caller, repo, quarantine } = situation;
  if (caller.account?.kind !== 'agent' || isCreation(update) || isDeletion(update)) return undefined;
  const path = repoPath(forge, repo.id);
  const incoming = { repo: path, quarantine: quarantine ?? `${path}/objects` };
  if (await isFastForward(forge.git, incoming, update)) return undefined;
  return 'an agent does not force-push. Add commits on top, or push a new branch.';
}

async function refuseObjects(forge: Forge, push: Push): Promise<string[]> {
  const { maxFileBytes, maxPathDepth, maxTreeFiles } = forge.config.limits;
  const repo = repoPath(forge, push.repo.id);
  const heads = push.updates.filter((update) => !isDeletion(update)).map((update) => update.newOid);
  if (push.quarantine === undefined || heads.length === 0) return [];
  const quarantine = await checkedQuarantine(repo, push.quarantine);
  const incoming = { repo, quarantine, heads };
  const { large, extent } = await surveyPush(forge.git, incoming, {
    maxBytes: maxFileBytes,
    limit: maxRefusals,
  });
  const refusals = large.map(
    ({ oid, path, size }) =>
      `${shown(path ?? oid)}: the file has ${size} bytes, but at most ${maxFileBytes} are taken. Remove it from the commits.`,
  );
  if (extent.files > maxTreeFiles) {
    refusals.push(
      `A commit holds more than ${maxTreeFiles} files, which is the limit. Remove folders that repeat each other.`,
    );
  }
  if (extent.depth > maxPathDepth) {
    const deep = await findDeepPath(forge.git, incoming, maxPathDepth);
    refusals.push(
      `${shown(deep ?? 'A folder')}: folders lie at most ${maxPathDepth - 1} deep. Move the files up.`,
    );
  }
  return refusals;
}

/** The path comes through a hook's pipe, so it must be where git keeps quarantines. */
async function checkedQuarantine(repo: string, given: string): Promise<string> {
  const [objects, quarantine] = await Promise.all([realpath(`${repo}/objects`), realpath(given)]);
  if (!quarantine.startsWith(`${objects}/`))
    throw new Error(`a quarantine outside of the repository: ${quarantine}`);
  return quarantine;
}

/** Text of a pusher as it may stand in a terminal: printable ASCII, not endless. */
function shown(text: string): string {
  const plain = text.replaceAll(/[^\x20-\x7e]/gu, '?');
  return plain.length > 120 ? `${plain.slice(0, 117)}...` : plain;
}
