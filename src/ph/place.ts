// Finds what a command is about: the forge, the repository and the branch, from options, the environment,
// the sign-ins and the git checkout, in this order.
import { branchListView, branchStatusView, type BranchStatusView } from '../landing/model.ts';
import type { BranchView } from '../branches/model.ts';
import { homeForge } from './built-in.ts';
import { Client } from './client.ts';
import { bare, localHead, readCheckout, type Address, type Checkout, type Remote } from './checkout.ts';
import { Failure, notFound, wrongUse } from './failure.ts';
import { exitStatus } from '../lib/statuses.ts';
import { originOf, readSignIns, type SignIn, type SshAddress } from './session.ts';

export interface PlaceOptions {
  /** `owner/name`, in place of what the remotes say. */
  repo?: string | undefined;
}

export interface Place {
  client: Client;
  owner: string;
  repo: string;
  checkout: Checkout | undefined;
  /** The remote of this checkout that is the repository on the forge. */
  remote: string | undefined;
}

export const repoRoute = ({ owner, repo }: Pick<Place, 'owner' | 'repo'>): string =>
  `/repos/${encodeURIComponent(owner)}/${encodeURIComponent(repo)}`;

export const branchRoute = (place: Place, number: number): string => `${repoRoute(place)}/branches/${number}`;

/** The forge and the repository. Refuses with the way out when the checkout does not say. */
export async function findPlace(options: PlaceOptions = {}): Promise<Place> {
  const checkout = readCheckout();
  const named = options.repo === undefined ? undefined : parseRepoName(options.repo);
  const found = await findRemote(checkout);
  const client = found.client;
  if (named !== undefined) return { client, ...named, checkout, remote: remoteNamed(named, found, checkout) };
  if (found.remote === undefined) {
    throw notFound(
      checkout === undefined
        ? `This is no git checkout. Name a repository of ${client.origin}: --repo owner/name, or go into a clone of it.`
        : `No remote of this checkout is a repository of ${client.origin}. Name one: --repo owner/name, or add a remote.`,
    );
  }
  const { owner, repo } = found.remote.address;
  return { client, owner, repo, checkout, remote: found.remote.name };
}

/** The one that is known to be of this forge goes first: a mirror elsewhere may have the same owner and name. */
function remoteNamed(
  { owner, repo }: { owner: string; repo: string },
  found: { remote: Remote | undefined },
  checkout: Checkout | undefined,
): string | undefined {
  const candidates = [...(found.remote === undefined ? [] : [found.remote]), ...(checkout?.remotes ?? [])];
  return candidates.find(({ address }) => address.owner === owner && address.repo === repo)?.name;
}

/** The forge alone, for commands without a repository. */
export async function findForge(): Promise<Client> {
  return (await findRemote(readCheckout())).client;
}

async function findRemote(
  checkout: Checkout | undefined,
): Promise<{ client: Client; remote: Remote | undefined }> {
  const remotes = checkout?.remotes ?? [];
  const signIns = readSignIns();
  const url = process.env['PH_URL'];
  if (url) {
    const origin = originOf(url);
    const token = process.env['PH_TOKEN'];
    const client = token ? new Client(origin, token, { isGiven: true }) : openClient(origin, signIns);
    return { client, remote: await remoteOf(client, remotes) };
  }
  // A remote's address comes with the clone; a token from the environment goes only where the environment says.
  if (process.env['PH_TOKEN'])
    throw wrongUse('PH_TOKEN is set but PH_URL is not; say which forge the token is for.');
  for (const remote of remotes) {
    const signIn = signIns.find((entry) => isAt(remote, entry));
    if (signIn !== undefined) return { client: openClient(signIn.origin, signIns), remote };
  }
  const home = homeForge === undefined ? undefined : openClient(homeForge, signIns);
  const remote = home === undefined ? undefined : await remoteOf(home, remotes);
  if (home !== undefined && remote !== undefined) return { client: home, remote };
  const web = remotes.find((remote) => remote.address.kind === 'http');
  if (web?.address.kind === 'http') return { client: openClient(web.address.origin, signIns), remote: web };
  const usual = signIns[0]?.origin ?? homeForge;
  if (remotes.length === 0 && usual !== undefined)
    return { client: openClient(usual, signIns), remote: undefined };
  if (remotes.length > 0) {
    throw new Failure(
      exitStatus.notAllowed,
      'You are not signed in to the forge of this checkout. Sign in: ph login --ssh',
    );
  }
  throw wrongUse(
    'Which forge? Run ph inside a clone of one of its repositories, or sign in: ph login URL --ssh',
  );
}

const openClient = (origin: string, signIns: readonly SignIn[]): Client =>
  new Client(origin, signIns.find((entry) => entry.origin === origin)?.token);

// An ssh remote says nothing of the web address, and the forge may be known under two of them; so it is asked.
async function remoteOf(client: Client, remotes: readonly Remote[]): Promise<Remote | undefined> {
  const byWeb = remotes.find(({ address }) => isWeb(address, client.origin));
  if (byWeb !== undefined || remotes.length === 0) return byWeb;
  const { origin, sshHost, sshPort } = await client.forge();
  const known = { origin: client.origin, ssh: { host: sshHost, port: sshPort } };
  return remotes.find((remote) => isWeb(remote.address, origin) || isAt(remote, known));
}

const isWeb = (address: Address, origin: string): boolean =>
  address.kind === 'http' && sameOrigin(address.origin, origin);

// A forge behind a router tells the host it listens on; people then use the one of its web address.
function isAt({ address }: Remote, { origin, ssh }: Pick<SignIn, 'origin' | 'ssh'>): boolean {
  if (address.kind === 'http') return sameOrigin(address.origin, origin);
  if (ssh === null) return false;
  return sameSsh(address, ssh) || sameSsh(address, { host: new URL(origin).hostname, port: ssh.port });
}

const sameSsh = (left: SshAddress, right: SshAddress): boolean =>
  bare(left.host) === bare(right.host) && left.port === right.port;

function sameOrigin(left: string, right: string): boolean {
  const [a, b] = [new URL(left), new URL(right)];
  return a.protocol === b.protocol && a.port === b.port && bare(a.hostname) === bare(b.hostname);
}

function parseRepoName(text: string): { owner: string; repo: string } {
  const match = /^([^/\s]+)\/([^/\s]+?)(?:\.git)?$/.exec(text);
  if (match?.[1] && match[2]) return { owner: match[1], repo: match[2] };
  throw wrongUse(`"${text}" is no repository; write --repo owner/name`);
}

export interface FoundBranch {
  view: BranchView;
  /** The commit of this branch here: HEAD when it is checked out; undefined when it is not here. */
  local: string | undefined;
}

/**
 * The branch that a command means: by its number, by its name, or the checked-out one. An open branch goes
 * before settled ones of the same name. Refuses (4) when the forge has none.
 */
export async function findBranch(place: Place, given: string | undefined): Promise<FoundBranch> {
  const { checkout } = place;
  const number = given === undefined ? undefined : /^#?(\d+)$/.exec(given)?.[1];
  if (number !== undefined) {
    const { branch } = await getStatus(place, Number(number));
    return { view: branch, local: localCommit(place, branch.name) };
  }
  const name = given ?? checkout?.branch;
  if (name === undefined) return findByHead(place);
  const { branches } = await listBranches(place, { name });
  const view = branches.find((branch) => branch.state === 'open') ?? branches[0];
  if (view !== undefined) return { view, local: localCommit(place, name) };
  if (given === undefined && checkout?.head !== undefined) return findByHead(place);
  throw unknownBranch(place, name);
}

// A detached HEAD, or a branch that was pushed under another name: the commit says which one it is.
async function findByHead(place: Place): Promise<FoundBranch> {
  const { checkout } = place;
  if (checkout?.head === undefined) {
    throw wrongUse('Which branch? Name it, or run ph in a checkout of it.');
  }
  const { branches } = await listBranches(place, { head: checkout.head });
  const view = branches.find((branch) => branch.state === 'open') ?? branches[0];
  if (view !== undefined) return { view, local: checkout.head };
  throw unknownBranch(place, checkout.branch ?? checkout.head.slice(0, 8));
}

const unknownBranch = ({ owner, repo, client, remote }: Place, name: string): Failure =>
  notFound(
    `The forge ${client.origin} has no branch ${name} in ${owner}/${repo}. Push it first: git push -u ${remote ?? 'origin'} ${name}`,
  );

function localCommit({ checkout }: Place, name: string): string | undefined {
  if (checkout === undefined) return undefined;
  return checkout.branch === name ? checkout.head : localHead(name);
}

export function listBranches(
  place: Place,
  query: { name?: string; head?: string; state?: string; before?: number },
): Promise<{ branches: BranchView[]; next: number | null }> {
  return place.client.get(`${repoRoute(place)}/branches`, { answer: branchListView, query });
}

export const getStatus = (place: Place, number: number): Promise<BranchStatusView> =>
  place.client.get(branchRoute(place, number), { answer: branchStatusView });
