// The remotes of a repository: made, changed, removed. A token goes in and never comes out; of a key that the forge makes only
// the public half does.
import { recordAudit } from '../accounts/audit.ts';
import type { Caller } from '../accounts/model.ts';
import type { MirrorSettings } from '../forge/mirror-settings.ts';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { makeOpensshKey } from '../lib/openssh-key.ts';
import { fullName, type Repo } from '../repos/model.ts';
import { requireMaintainer } from '../repos/rights.ts';
import { sealCredential } from './remote/credential.ts';
import type { CredentialRequest, MirrorChange, MirrorRemote, MirrorRequest } from './model.ts';
import { placeOfRemote } from './push-mirror.ts';
import { parseRemoteAddress } from './remote/remote-address.ts';
import {
  deleteRemoteRow,
  findRemoteByName,
  insertRemote,
  listRemoteRows,
  updateCredential,
  updateHostKeys,
  updateRemote,
  wishForRemote,
} from './remote-store.ts';
import { forgetRefs, interruptSyncs } from './sync-store.ts';

export interface MirrorOrder {
  repo: Repo;
  caller: Caller;
}

export type MirrorPlace = MirrorOrder & { name: string };

export const listMirrors = (forge: Forge, repo: Repo): MirrorRemote[] => listRemoteRows(forge.db, repo.id);

/** Refuses (`not_found`) one of another repository as one that does not exist. */
export function getMirror(forge: Forge, repo: Repo, name: string): MirrorRemote {
  const remote = findRemoteByName(forge.db, { repoId: repo.id, name });
  if (remote === undefined) throw new ForgeError('not_found', `${fullName(repo)} has no mirror "${name}".`);
  return remote;
}

/** Refuses (`invalid`) an address that mirrors cannot have, (`conflict`) a name that is taken, (`limited`) one too many. */
export function addMirror(forge: Forge, order: MirrorOrder & { request: MirrorRequest }): MirrorRemote {
  const { repo, caller, request } = order;
  const account = requireMaintainer(forge, order);
  const { name, patterns, active: isActive } = request;
  const url = checkedUrl(forge, request.url, request.credential);
  const statuses = checkedStatuses(forge.config.mirror, request.statuses, request.credential.kind);
  return forge.db.transaction(() => {
    const { maxRemotesPerRepo } = forge.config.mirror;
    const mirrors = listMirrors(forge, repo);
    if (mirrors.length >= maxRemotesPerRepo) {
      throw new ForgeError(
        'limited',
        `A repository has at most ${maxRemotesPerRepo} mirrors; remove one first.`,
      );
    }
    if (mirrors.some((mirror) => mirror.name.toLowerCase() === name.toLowerCase())) {
      throw new ForgeError(
        'conflict',
        `${fullName(repo)} has a mirror "${name}" already; choose another name.`,
      );
    }
    const now = forge.clock.now();
    const row = { repoId: repo.id, name, url, patterns, statuses, isActive, now, by: account.id };
    const id = insertRemote(forge.db, row);
    setCredential(forge, { id, repo, credential: request.credential });
    wishForRemote(forge.db, { id, now, isNow: true });
    recordAudit(forge, caller, {
      action: 'mirror.add',
      subject: fullName(repo),
      detail: { name, url, patterns },
    });
    return getMirror(forge, repo, name);
  });
}

/** What is left out stays as it is. Of another address nothing is known, and its server may have another key. */
export function changeMirror(forge: Forge, order: MirrorPlace & { change: MirrorChange }): MirrorRemote {
  const { repo, caller, name, change } = order;
  requireMaintainer(forge, order);
  return forge.db.transaction(() => {
    const before = getMirror(forge, repo, name);
    const { id } = before;
    const credential = change.credential ?? { kind: before.credential };
    const url = checkedUrl(forge, change.url ?? before.url, credential);
    const isElsewhere = url !== before.url;
    const patterns = change.patterns ?? before.patterns;
    const statuses = checkedStatuses(
      forge.config.mirror,
      change.statuses ?? before.statuses,
      credential.kind,
    );
    // Who may change the address need not be who knows the token.
    const isSentElsewhere = isElsewhere || (statuses !== '' && statuses !== before.statuses);
    if (isSentElsewhere && change.credential === undefined && before.credential === 'token') {
      throw new ForgeError('invalid', 'Give the token once more: the old one is sent to no other address.');
    }
    const isActive = change.active ?? before.isActive;
    const now = forge.clock.now();
    updateRemote(forge.db, { id, url, patterns, statuses, isActive, now });
    // What a sync that runs finds out is of the old settings: the claim is taken from it.
    interruptSyncs(forge.db, { remoteId: id, message: 'the settings of the mirror changed', now });
    if (isElsewhere) forgetRefs(forge.db, id);
    if (isElsewhere || change.forgetHostKeys === true) updateHostKeys(forge.db, { id, hostKeys: null });
    if (change.credential !== undefined) setCredential(forge, { id, repo, credential: change.credential });
    wishForRemote(forge.db, { id, now, isNow: true });
    const detail = { name, url, patterns, active: isActive, newCredential: change.credential !== undefined };
    recordAudit(forge, caller, { action: 'mirror.change', subject: fullName(repo), detail });
    return getMirror(forge, repo, name);
  });
}

/** What stands at the remote stays there; its history here goes. */
export function removeMirror(forge: Forge, order: MirrorPlace): void {
  const { repo, caller, name } = order;
  requireMaintainer(forge, order);
  forge.db.transaction(() => {
    const { id, url } = getMirror(forge, repo, name);
    deleteRemoteRow(forge.db, id);
    recordAudit(forge, caller, { action: 'mirror.remove', subject: fullName(repo), detail: { name, url } });
  });
}

function setCredential(
  forge: Forge,
  { id, repo, credential }: { id: number; repo: Repo; credential: CredentialRequest },
): void {
  const { kind } = credential;
  const place = placeOfRemote(id);
  if (kind === 'none') updateCredential(forge.db, { id, kind, sealed: null, publicKey: null });
  else if (kind === 'token') {
    updateCredential(forge.db, {
      id,
      kind,
      sealed: sealCredential(forge, credential, place),
      publicKey: null,
    });
  } else {
    const { privateKey, publicText } = makeOpensshKey(`pika-git mirror of ${fullName(repo)}`);
    const sealed = sealCredential(forge, { kind: 'key', privateKey }, place);
    updateCredential(forge.db, { id, kind, sealed, publicKey: publicText });
  }
}

/** The address as it is kept. A token goes to HTTPS alone, and a key to SSH. */
function checkedUrl(forge: Forge, text: string, { kind }: { kind: CredentialRequest['kind'] }): string {
  const address = parseRemoteAddress(forge.config.mirror, text);
  const isSsh = address.scheme === 'ssh';
  if (kind === 'token' && (isSsh || address.scheme === 'file')) {
    throw new ForgeError(
      'invalid',
      'A token is for an address that begins with https://; use a deploy key here.',
    );
  }
  if (kind === 'key' && !isSsh) {
    throw new ForgeError('invalid', 'A deploy key is for an address like git@HOST:PATH; use a token here.');
  }
  return address.text;
}

/** Statuses are told over the web, with the token. */
function checkedStatuses(
  { allowedSchemes }: MirrorSettings,
  text: string,
  kind: CredentialRequest['kind'],
): string {
  const trimmed = text.trim().replace(/\/+$/, '');
  if (trimmed === '') return '';
  const url = URL.canParse(trimmed) ? new URL(trimmed) : undefined;
  const isWeb = url?.protocol === 'https:' || (url?.protocol === 'http:' && allowedSchemes.includes('http'));
  if (url === undefined || !isWeb || url.username !== '' || url.password !== '' || url.search !== '') {
    throw new ForgeError(
      'invalid',
      'Statuses are told to an address like https://api.github.com/repos/OWNER/NAME.',
    );
  }
  if (kind !== 'token') {
    throw new ForgeError('invalid', 'Statuses need the token of the service; give the mirror one.');
  }
  return trimmed;
}
