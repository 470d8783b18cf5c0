// How large a change is, and whether it brings secrets, where the target's policy asks. The answers belong to two
// commits and never change, so each is worked out once. What is too much to look through is held, never let through.
import { changedPaths } from '../../ci/manifest/changed-paths.ts';
import type { Forge } from '../../forge/open.ts';
import { listLandedBlobs, type LandedBlob } from '../../git/landed-blobs.ts';
import { readHeads } from '../../git/object-reader.ts';
import { readMemoryBytes } from '../../git/run.ts';
import { ForgeError } from '../../lib/errors.ts';
import { Recent } from '../../lib/recent.ts';
import { countOf, holdOf } from './hold-of.ts';
import type { Findings } from './question.ts';
import type { GateHold } from '../model.ts';
import type { GatePolicy } from '../policy/policy.ts';
import { searchBlobs, type SecretPlace } from './search-secrets.ts';

/** A branch over what its target has: the merge base and the head, as full object ids. */
export interface Change {
  repoId: number;
  /** The bare repository's folder. */
  path: string;
  base: string;
  head: string;
}

const keptBytes = 16 * 1024 * 1024;
const kept = new WeakMap<Forge, Recent<Promise<unknown>>>();

/** The paths that a change touches, both names of a rename; undefined when they are too many to tell. */
export const pathsOf = (forge: Forge, change: Change): Promise<string[] | undefined> =>
  once(forge, change, 'paths', () =>
    changedPaths(forge.git, { repo: change.path, base: change.base, head: change.head }),
  );

/** Held against the sizes that the policy allows. */
export async function examineSize(forge: Forge, change: Change, size: GatePolicy['size']): Promise<Findings> {
  const holds = [
    size.maxFiles === undefined ? undefined : await filesHold(forge, change, size.maxFiles),
    size.maxAddedLines === undefined ? undefined : await linesHold(forge, change, size.maxAddedLines),
    size.maxFileBytes === undefined ? undefined : await bytesHold(forge, change, size.maxFileBytes),
  ].filter((hold) => hold !== undefined);
  const isAsked = Object.keys(size).length > 0;
  return { holds, met: isAsked && holds.length === 0 ? [{ kind: 'size', message: 'Small enough' }] : [] };
}

/** Held when a commit of the change brings what looks like a secret, even if a later one takes it out again. */
export async function examineSecrets(
  forge: Forge,
  change: Change,
  { refuse, allowPaths }: GatePolicy['secrets'],
): Promise<Findings> {
  if (!refuse) return { holds: [], met: [] };
  const search = await once(forge, change, `secrets ${JSON.stringify(allowPaths)}`, () =>
    orTooLarge(async () =>
      searchBlobs(forge.git, change.path, { blobs: await blobsOf(forge, change), allowPaths }),
    ),
  );
  if (search === 'too large') return { holds: [tooLargeToSearch], met: [] };
  if (search.length === 0)
    return { holds: [], met: [{ kind: 'secrets', message: 'No secrets in its commits' }] };
  return { holds: search.map(secretHold), met: [] };
}

async function filesHold(forge: Forge, change: Change, most: number): Promise<GateHold | undefined> {
  const paths = await pathsOf(forge, change);
  if (paths !== undefined && paths.length <= most) return undefined;
  const many = paths === undefined ? 'more files than can be counted' : countOf(paths.length, 'file');
  return tooLarge(`It changes ${many}, and at most ${most} may land at once.`);
}

async function linesHold(forge: Forge, change: Change, most: number): Promise<GateHold | undefined> {
  const lines = await once(forge, change, 'lines', () => orTooLarge(() => countAddedLines(forge, change)));
  if (lines !== 'too large' && lines <= most) return undefined;
  const many = lines === 'too large' ? 'more lines than can be counted' : countOf(lines, 'line');
  return tooLarge(`It adds ${many}, and at most ${most} may land at once.`);
}

async function bytesHold(forge: Forge, change: Change, most: number): Promise<GateHold | undefined> {
  const largest = await once(forge, change, 'largest', () => orTooLarge(() => findLargest(forge, change)));
  if (largest === 'too large') return tooLarge('Its commits change more files than can be weighed.');
  if (largest.bytes <= most) return undefined;
  const message = `Its commits bring ${largest.path} with ${largest.bytes} bytes, and a file may have at most ${most}.`;
  return holdOf('too_large', {
    message,
    wayOut: 'Take it out of the commits (git rebase -i), or keep it with Git LFS, and push again.',
  });
}

const tooLarge = (message: string): GateHold =>
  holdOf('too_large', { message, wayOut: 'Land it in parts: push each as a branch of its own.' });

const tooLargeToSearch = holdOf('too_large', {
  message: 'Its commits are too large to be searched for secrets.',
  wayOut: 'Land it in parts, or let the target allow its paths in [gate.secrets] of .pika/policy.toml.',
});

const secretHold = ({ path, line, what }: SecretPlace): GateHold =>
  holdOf('secret_found', {
    message: `It brings ${what} in ${path}, line ${line}.`,
    wayOut:
      'Take it out of every commit (git rebase -i), push again, and replace the secret: whoever can read the repository has it.',
  });

const blobsOf = (forge: Forge, change: Change): Promise<LandedBlob[]> =>
  once(forge, change, 'blobs', () =>
    listLandedBlobs(forge.git, { repo: change.path, base: change.base, head: change.head }),
  );

async function countAddedLines(forge: Forge, { path, base, head }: Change): Promise<number> {
  const args = ['diff', '--shortstat', '-M', '--no-ext-diff', '--no-textconv', base, head, '--'];
  const limits = { maxBytes: 4096, timeoutMs: 30_000, maxMemoryBytes: readMemoryBytes };
  const text = await forge.git.text(args, { repo: path, ...limits });
  return Number(/(\d+) insertion/.exec(text)?.[1] ?? 0);
}

async function findLargest(forge: Forge, change: Change): Promise<{ path: string; bytes: number }> {
  const blobs = (await blobsOf(forge, change)).filter(({ oid }) => oid !== undefined);
  const heads = await readHeads(
    forge.git,
    change.path,
    blobs.map(({ oid }) => oid ?? ''),
  );
  let largest = { path: '', bytes: 0 };
  blobs.forEach(({ path }, place) => {
    const bytes = heads[place]?.size ?? 0;
    if (bytes > largest.bytes) largest = { path, bytes };
  });
  return largest;
}

async function orTooLarge<Answer>(work: () => Promise<Answer>): Promise<Answer | 'too large'> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ForgeError && ['too_large', 'limited'].includes(error.code)) return 'too large';
    throw error;
  }
}

/** Worked out once for each change and question; a fault is not kept, because it may pass. */
function once<Answer>(
  forge: Forge,
  change: Change,
  about: string,
  work: () => Promise<Answer>,
): Promise<Answer> {
  const answers = kept.get(forge) ?? new Recent<Promise<unknown>>(keptBytes);
  kept.set(forge, answers);
  const key = `${change.repoId} ${change.base} ${change.head} ${about}`;
  const known = answers.find(key);
  if (known !== undefined) return known as Promise<Answer>;
  const answer = work();
  answers.keep(key, answer, 1024);
  answer.then(
    (value) => answers.keep(key, answer, 1024 + sizeOf(value)),
    () => answers.drop(key),
  );
  return answer;
}

/** About how much memory an answer takes. */
const sizeOf = (value: unknown): number => (Array.isArray(value) ? value.length * 200 : 100);
