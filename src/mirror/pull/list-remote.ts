// Asks a remote what it has: its refs, and the branch that it calls its default one.
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import type { Reach } from '../remote/reach-remote.ts';
import { failureOf } from '../remote/remote-failure.ts';
import { listMemoryBytes, runRemote } from '../remote/run-remote.ts';

export interface RemoteRefs {
  /** Full name → object id, of heads and tags. */
  refs: Map<string, string>;
  /** Without refs/heads/. */
  defaultBranch: string | undefined;
}

/** Refuses (`unavailable`) a remote that does not answer as a repository, and (`limited`) one with too many refs. */
export async function listRemote(
  forge: Forge,
  reach: Reach,
  options: { timeoutMs: number; signal?: AbortSignal | undefined },
): Promise<RemoteRefs> {
  const { maxListBytes, maxPulledRefs } = forge.config.mirror;
  const { exitCode, stdout, said } = await runRemote(forge, reach, {
    args: ['ls-remote', '--symref', '--', reach.url],
    maxBytes: maxListBytes,
    maxMemoryBytes: listMemoryBytes(maxListBytes),
    ...options,
  });
  if (exitCode !== 0) throw new ForgeError('unavailable', failureOf(said).sentence);
  const listed = readRemoteRefs(stdout.toString('utf8'));
  if (listed.refs.size > maxPulledRefs) {
    throw new ForgeError('limited', `The remote has ${listed.refs.size} refs, more than ${maxPulledRefs}.`);
  }
  return listed;
}

/** What `git ls-remote --symref` prints. Refuses (`invalid`) object ids that this forge cannot keep. */
export function readRemoteRefs(text: string): RemoteRefs {
  const refs = new Map<string, string>();
  let defaultBranch: string | undefined;
  for (const line of text.split('\n')) {
    const [value = '', ref = ''] = line.split('\t');
    if (ref === 'HEAD' && value.startsWith('ref: refs/heads/')) {
      defaultBranch = value.slice('ref: refs/heads/'.length);
    }
    if (!/^refs\/(?:heads|tags)\//.test(ref) || ref.endsWith('^{}')) continue;
    if (!/^[0-9a-f]{40}$/.test(value)) {
      throw new ForgeError('invalid', 'The remote names objects by SHA-256, which this forge does not keep.');
    }
    refs.set(ref, value);
  }
  return { refs, defaultBranch };
}
