// Decides about a whole push before anything of it is accepted; nothing else decides about refs. Every
// refusal names the ref, the rule and the way out in one line, and one refused ref refuses the push.
import { realpath } from 'node:fs/promises';
import type { Caller } from '../accounts/model.ts';
import type { Forge } from '../forge/open.ts';
import { findDeepPath, isFastForward, surveyPush } from '../git/incoming.ts';
import { branchOf, isCreation, isDeletion, noteOf, tagOf, type RefUpdate } from '../git/push.ts';
import { listRefs } from '../git/refs.ts';
import { getRepo } from '../repos/find.ts';
import { fullName, includesRight, refNameProblem, type Repo } from '../repos/model.ts';
import { repoPath } from '../repos/path.ts';
import { protectionOf, type Protection } from '../repos/protected.ts';
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
  /** Every folder that a ref which exists or is pushed lies in, with one of those refs. */
  folders: ReadonlyMap<string, string>;
  protection: (branch: string) => Protection | undefined;
}

/** Why the push is refused, one sentence per line; empty when all of it is allowed. */
export async function decidePush(forge: Forge, push: Push): Promise<string[]> {
  const { maxRefsPerPush } = forge.config.limits;
  if (push.updates.length > maxRefsPerPush) {
    return [
      `The push has ${push.updates.length} refs, but at most ${maxRefsPerPush} are taken at once. Push them in parts.`,
    ];
  }
  // The settings of now: a push may take minutes from when it was let in to when it is decided.
  const situation = await readSituation(forge, { ...push, repo: getRepo(forge, push.repo.id) });
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
  const { repo } = push;
  const prefixes = ['refs/heads/', 'refs/tags/', ...(repo.takesNotes ? ['refs/notes/'] : [])];
  const refs = await listRefs(forge.git, repoPath(forge, repo.id), prefixes);
  const spellings = new Map<string, Set<string>>();
  const folders = new Map<string, string>();
  const pushed = push.updates.filter((update) => !isDeletion(update)).map((update) => update.ref);
  for (const ref of [...refs.keys(), ...pushed]) {
    const key = ref.toLowerCase();
    spellings.set(key, (spellings.get(key) ?? new Set()).add(ref));
    for (let end = ref.lastIndexOf('/'); end > 0; end = ref.lastIndexOf('/', end - 1)) {
      folders.set(ref.slice(0, end), ref);
    }
  }
  return { ...push, refs, spellings, folders, protection: protectionOf(forge, repo) };
}

function refuseRef(forge: Forge, situation: Situation, update: RefUpdate): string | undefined {
  const branch = branchOf(update.ref);
  const note = situation.repo.takesNotes ? noteOf(update.ref) : undefined;
  const name = branch ?? tagOf(update.ref) ?? note;
  if (name === undefined) return refuseNamespace(situation, update);
  // Whatever stands there already may be removed, however it came to be called so.
  if (!isDeletion(update) || !situation.refs.has(update.ref)) {
    const problem = refNameProblem(name) ?? clashProblem(situation, update.ref);
    if (problem !== undefined) return `${problem}. Choose another name.`;
  }
  if (branch !== undefined) return refuseBranch(situation, { ...update, branch });
  return note === undefined ? refuseTag(forge, situation, update) : refuseNote(forge, situation, update);
}

function refuseNamespace({ repo }: Situation, { ref }: RefUpdate): string {
  if (noteOf(ref) !== undefined) {
    return `${fullName(repo)} takes no notes. Ask a maintainer to allow them in its settings.`;
  }
  return 'only branches (refs/heads/…) and tags (refs/tags/…) can be pushed. Push HEAD:refs/heads/NAME instead.';
}

/** Names that some file system, tool or reader would take for one another. */
function clashProblem({ spellings, folders, refs }: Situation, ref: string): string | undefined {
  const other = [...(spellings.get(ref.toLowerCase()) ?? [])].find((spelling) => spelling !== ref);
  if (other !== undefined) return `it differs from ${shown(other)} only by upper and lower case`;
  // Git would refuse only this one of the push, and only after the others had been accepted.
  const inside = folders.get(ref);
  if (inside !== undefined) return `it would be a folder too, because there is ${shown(inside)}`;
  for (let end = ref.lastIndexOf('/'); end > 0; end = ref.lastIndexOf('/', end - 1)) {
    const above = ref.slice(0, end);
    if (refs.has(above)) return `it lies in ${shown(above)}, which is no folder`;
  }
  const branch = branchOf(ref);
  const tag = tagOf(ref);
  if (branch === undefined && tag === undefined) return undefined;
  const twin = branch === undefined ? `refs/heads/${tag ?? ''}` : `refs/tags/${branch}`;
  if (!spellings.get(twin.toLowerCase())?.has(twin)) return undefined;
  return branch === undefined ? 'a branch has the same name' : 'a tag has the same name';
}

function refuseBranch(situation: Situation, update: RefUpdate & { branch: string }): string | undefined {
  const { repo, refs } = situation;
  const protection = situation.protection(update.branch);
  if (protection === undefined) return undefined;
  // Where it is missing it can only be pushed: nothing can land on it, and nobody could start.
  if (protection.isDefault && isCreation(update) && !refs.has(update.ref)) return undefined;
  if (protection.isDefault) {
    return isDeletion(update)
      ? `the default branch of ${fullName(repo)} cannot be deleted. Make another branch the default one first.`
      : 'the default branch takes no direct push; changes land through the forge. Push a branch: git push REMOTE HEAD:refs/heads/NAME';
  }
  const rule = `it is protected by the pattern ${protection.pattern}`;
  return isDeletion(update)
    ? `${rule} and cannot be deleted. A maintainer can remove the pattern in the settings of ${fullName(repo)}.`
    : `${rule} and takes no direct push. Push a branch of another name, or ask a maintainer to remove the pattern in the settings of ${fullName(repo)}.`;
}

function refuseTag(forge: Forge, situation: Situation, update: RefUpdate): string | undefined {
  if (isCreation(update)) return undefined;
  if (includesRight(rightOn(forge, situation.caller, situation.repo), 'maintain')) return undefined;
  return 'only a maintainer moves or deletes a tag that exists. Push a new tag, or ask one.';
}

function refuseNote(forge: Forge, situation: Situation, update: RefUpdate): string | undefined {
  if (!isDeletion(update)) return undefined;
  if (includesRight(rightOn(forge, situation.caller, situation.repo), 'maintain')) return undefined;
  return 'only a maintainer deletes notes. Push a commit that removes what should go, or ask one.';
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
  const brought = push.updates.filter((update) => !isDeletion(update));
  const heads = brought.map((update) => update.newOid);
  if (push.quarantine === undefined || heads.length === 0) return [];
  const quarantine = await checkedQuarantine(repo, push.quarantine);
  const incoming = { repo, quarantine, heads };
  const { large, extent } = await surveyPush(forge.git, incoming, {
    maxBytes: maxFileBytes,
    limit: maxRefusals,
  });
  const refusals = large.map(
    ({ oid, path, size }) =>
      `${shown(path ?? oid)}: the file has ${size} bytes, but at most ${maxFileBytes} are taken. Remove it from the commits, or keep it with Git LFS.`,
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
  const refs = whichRefs(brought);
  return refusals.map((refusal) => `${refs}: ${refusal}`);
}

/** Objects belong to a push as a whole; with one ref it is clear which. */
function whichRefs(updates: readonly RefUpdate[]): string {
  const [first, second] = updates.map((update) => shown(update.ref));
  if (first === undefined || second === undefined) return first ?? '';
  const more = updates.length - 2;
  return more > 0 ? `one of ${first}, ${second} and ${more} more` : `${first} or ${second}`;
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
