// Makes a repository of one that is elsewhere. The remote is asked before anything is made, so that a wrong address or token is
// told at once; the objects come by a pull, which can be watched, cancelled and begun again.
import { requireOwnAccount } from '../../accounts/guard.ts';
import type { Caller } from '../../accounts/model.ts';
import { requireRoom } from '../../forge/disk.ts';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { createRepo } from '../../repos/create-repo.ts';
import { findRepo } from '../../repos/find.ts';
import { refNameProblem, type Repo, type Visibility } from '../../repos/model.ts';
import { mayCreateRepo } from '../../repos/rights.ts';
import { listRemote, type RemoteRefs } from '../pull/list-remote.ts';
import type { ImportRequest, Upstream } from '../pull/model.ts';
import { upstreamRequest } from '../pull/model.ts';
import type { Pulls } from '../pull/open-pulls.ts';
import { checkedAddress, setUpstream } from '../pull/set-upstream.ts';
import { reachRemote, type Reach, type Remote } from '../remote/reach-remote.ts';
import { describeForeign, type ForeignRepo } from './foreign-forge.ts';

const lookSeconds = 20;

/**
 * Refuses as `createRepo` does, (`invalid`) what is no address, and a remote that is not there or takes the
 * token for none. The repository is empty at first, and filled by the pull that has begun.
 */
export async function importRepo(
  forge: Forge,
  pulls: Pulls,
  order: { caller: Caller; request: ImportRequest },
): Promise<{ repo: Repo; upstream: Upstream }> {
  const { caller, request } = order;
  const { owner, name, credential, visibility, follows } = request;
  requireOwnAccount(caller, 'admin');
  refuseTaken(forge, caller, request);
  requireRoom(forge);
  const address = checkedAddress(forge, request.url, credential);
  const [listed, told] = await Promise.all([
    lookAt(forge, { address, credential }),
    describeForeign(forge, address, credential),
  ]);
  const chosen = defaultOf(listed);
  const repo = await createRepo(forge, {
    owner,
    name,
    caller,
    visibility: visibilityOf(visibility, told),
    description: told?.description ?? '',
    ...(chosen === undefined ? {} : { defaultBranch: chosen }),
  });
  const upstream = setUpstream(forge, pulls, {
    repo,
    caller,
    request: upstreamRequest.parse({ url: address.text, credential, follows }),
  });
  return { repo, upstream };
}

/** Before anybody is asked anything; creating looks again. */
function refuseTaken(forge: Forge, caller: Caller, { owner, name }: ImportRequest): void {
  if (!mayCreateRepo(caller, owner)) {
    throw new ForgeError(
      'forbidden',
      `You may create repositories under your own name, not under "${owner}".`,
    );
  }
  if (findRepo(forge, owner, name) === undefined) return;
  throw new ForgeError('conflict', `The repository ${owner}/${name} exists already. Choose another name.`);
}

/** What the remote does not do is the fault of the address or the token that were given, and not of the forge. */
async function lookAt(forge: Forge, remote: Remote): Promise<RemoteRefs> {
  let reach: Reach | undefined;
  try {
    reach = await reachRemote(forge, remote);
    return await listRemote(forge, reach, { timeoutMs: lookSeconds * 1000 });
  } catch (error) {
    const isTheirs = error instanceof ForgeError && error.code === 'unavailable';
    throw isTheirs ? new ForgeError('invalid', error.message, { cause: error }) : error;
  } finally {
    await reach?.close();
  }
}

function defaultOf({ defaultBranch, refs }: RemoteRefs): string | undefined {
  if (defaultBranch === undefined || !refs.has(`refs/heads/${defaultBranch}`)) return undefined;
  return refNameProblem(defaultBranch) === undefined ? defaultBranch : undefined;
}

/** What nobody tells is private. */
function visibilityOf(wanted: ImportRequest['visibility'], told: ForeignRepo | undefined): Visibility {
  if (wanted !== 'same') return wanted;
  return told?.isPrivate === false ? 'public' : 'private';
}
