// The upstream of a repository: named, changed, given up. A token goes in and never comes out; of a key that the forge makes
// only the public half does.
import { recordAudit } from '../../accounts/audit.ts';
import type { Caller } from '../../accounts/model.ts';
import type { Forge } from '../../forge/open.ts';
import { ForgeError, errorMessage } from '../../lib/errors.ts';
import { makeOpensshKey } from '../../lib/openssh-key.ts';
import { fullName, type Repo } from '../../repos/model.ts';
import { requireMaintainer } from '../../repos/rights.ts';
import { chooseRefs } from '../choose-refs.ts';
import { sealCredential } from '../remote/credential.ts';
import type { CredentialRequest } from '../model.ts';
import { parseRemoteAddress } from '../remote/remote-address.ts';
import type { Upstream, UpstreamChange, UpstreamRequest } from './model.ts';
import type { Pulls } from './open-pulls.ts';
import { placeOfUpstream } from './pull-upstream.ts';
import {
  deleteUpstream,
  findUpstreamRow,
  putUpstream,
  updateCredential,
  updateHostKeys,
  updateRules,
  wantPull,
} from './upstream-store.ts';

export interface UpstreamOrder {
  repo: Repo;
  caller: Caller;
}

export const findUpstream = (forge: Forge, repo: Pick<Repo, 'id'>): Upstream | undefined =>
  findUpstreamRow(forge.db, repo.id);

export function getUpstream(forge: Forge, repo: Repo): Upstream {
  const upstream = findUpstream(forge, repo);
  if (upstream === undefined) throw new ForgeError('not_found', `${fullName(repo)} has no upstream.`);
  return upstream;
}

/** Puts an upstream into the place of the one there is. Refuses (`invalid`) what cannot be one, (`conflict`) during a pull. */
export function setUpstream(
  forge: Forge,
  pulls: Pulls,
  order: UpstreamOrder & { request: UpstreamRequest },
): Upstream {
  const { repo, request } = order;
  const account = requireMaintainer(forge, order);
  refuseDuringPull(pulls, repo);
  const { credential, patterns, ...rest } = request;
  const { text: url } = checkedAddress(forge, request.url, credential);
  checkPatterns(patterns);
  const upstream = forge.db.transaction(() => {
    if (findUpstream(forge, repo)?.url !== url) deleteUpstream(forge.db, repo.id);
    const now = forge.clock.now();
    putUpstream(forge.db, { ...rest, repoId: repo.id, url, patterns, now, by: account.id });
    storeCredential(forge, repo, credential);
    recordAudit(forge, order.caller, {
      action: 'upstream.set',
      subject: fullName(repo),
      detail: { url, patterns, follows: rest.follows },
    });
    return getUpstream(forge, repo);
  });
  tell(forge, pulls, repo);
  return upstream;
}

/** What is left out stays as it is. */
export function changeUpstream(
  forge: Forge,
  pulls: Pulls,
  order: UpstreamOrder & { change: UpstreamChange },
): Upstream {
  const { repo, change } = order;
  requireMaintainer(forge, order);
  refuseDuringPull(pulls, repo);
  const { credential, forgetHostKeys, ...rules } = change;
  const upstream = forge.db.transaction(() => {
    const before = getUpstream(forge, repo);
    const now = {
      ...before,
      ...Object.fromEntries(Object.entries(rules).filter(([, value]) => value !== undefined)),
    };
    checkPatterns(now.patterns);
    const { follows, everyMinutes, patterns, rewrites, deletions } = now;
    updateRules(forge.db, { repoId: repo.id, follows, everyMinutes, patterns, rewrites, deletions });
    if (credential !== undefined) {
      checkedAddress(forge, before.url, credential);
      storeCredential(forge, repo, credential);
    }
    if (forgetHostKeys === true) updateHostKeys(forge.db, { repoId: repo.id, hostKeys: null });
    wantPull(forge.db, repo.id);
    const detail = {
      ...rules,
      newCredential: credential !== undefined,
      forgetHostKeys: forgetHostKeys === true,
    };
    recordAudit(forge, order.caller, { action: 'upstream.change', subject: fullName(repo), detail });
    return getUpstream(forge, repo);
  });
  tell(forge, pulls, repo);
  return upstream;
}

/** What was brought stays; its history here goes. */
export function removeUpstream(forge: Forge, pulls: Pulls, order: UpstreamOrder): void {
  const { repo } = order;
  requireMaintainer(forge, order);
  refuseDuringPull(pulls, repo);
  forge.db.transaction(() => {
    const { url } = getUpstream(forge, repo);
    deleteUpstream(forge.db, repo.id);
    recordAudit(forge, order.caller, { action: 'upstream.remove', subject: fullName(repo), detail: { url } });
  });
  forge.events.emit('upstream-changed', { repoId: repo.id });
}

/** Has it pulled at once. Refuses (`conflict`) while a pull runs. */
export function askPull(forge: Forge, pulls: Pulls, order: UpstreamOrder): Upstream {
  const { repo } = order;
  requireMaintainer(forge, order);
  getUpstream(forge, repo);
  refuseDuringPull(pulls, repo);
  forge.db.transaction(() => {
    wantPull(forge.db, repo.id);
    recordAudit(forge, order.caller, { action: 'upstream.pull', subject: fullName(repo) });
  });
  // From here on, and not from the next pass on, a second one is refused.
  if (!pulls.pullNow(repo.id)) pulls.wake();
  return getUpstream(forge, repo);
}

/** Ends the pull that runs; what it has fetched is of no use to anybody and goes by and by. */
export function cancelPull(forge: Forge, pulls: Pulls, order: UpstreamOrder): Upstream {
  const { repo, caller } = order;
  const account = requireMaintainer(forge, order);
  getUpstream(forge, repo);
  if (!pulls.cancel(repo.id, account.name)) {
    throw new ForgeError('conflict', `Nothing is pulled into ${fullName(repo)} now.`);
  }
  recordAudit(forge, caller, { action: 'upstream.cancel', subject: fullName(repo) });
  return getUpstream(forge, repo);
}

function refuseDuringPull(pulls: Pulls, repo: Repo): void {
  if (!pulls.isPulling(repo.id)) return;
  throw new ForgeError(
    'conflict',
    `${fullName(repo)} is being pulled at this moment. Wait for its end, or cancel it.`,
  );
}

/** A key speaks SSH, and a token HTTP. */
export function checkedAddress(forge: Forge, given: string, { kind }: Pick<CredentialRequest, 'kind'>) {
  const address = parseRemoteAddress(forge.config.mirror, given);
  const isSsh = address.scheme === 'ssh';
  if (kind === 'key' && !isSsh)
    throw new ForgeError('invalid', 'A deploy key is for addresses of SSH; give this one a token.');
  if (kind === 'token' && address.scheme !== 'https' && address.scheme !== 'http')
    throw new ForgeError('invalid', 'A token is for addresses of HTTPS; give this one a deploy key.');
  return address;
}

function checkPatterns(patterns: readonly string[]): void {
  try {
    chooseRefs(patterns);
  } catch (error) {
    throw new ForgeError('invalid', `The patterns of refs are not understood: ${errorMessage(error)}`);
  }
}

function storeCredential(forge: Forge, repo: Repo, request: CredentialRequest): void {
  const place = placeOfUpstream(repo.id);
  const key = request.kind === 'key' ? makeOpensshKey(`pika-git ${fullName(repo)}`) : undefined;
  const credential =
    request.kind === 'key' ? { kind: 'key' as const, privateKey: key?.privateKey ?? '' } : request;
  updateCredential(forge.db, {
    repoId: repo.id,
    credential: request.kind,
    sealed: credential.kind === 'none' ? null : sealCredential(forge, credential, place),
    publicKey: key?.publicText ?? null,
  });
}

function tell(forge: Forge, pulls: Pulls, repo: Repo): void {
  forge.events.emit('upstream-changed', { repoId: repo.id });
  pulls.wake();
}
