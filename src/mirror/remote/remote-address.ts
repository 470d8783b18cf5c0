// Reads the address of a remote. It is taken apart before anything else sees it, and git is given what is put together again
// from the parts: an address that git would read as an option, as a program or as another transport is none.
import { isIPv6 } from 'node:net';
import { remoteSchemes, type MirrorSettings, type RemoteScheme } from '../../forge/mirror-settings.ts';
import { ForgeError } from '../../lib/errors.ts';

export interface RemoteAddress {
  scheme: RemoteScheme;
  /** Who signs in over SSH. */
  user: string | undefined;
  /** A name or an IP address without brackets; empty for a folder of this machine. */
  host: string;
  port: number;
  path: string;
  /** As git is given it, and as everybody may read it: without any credential. */
  text: string;
}

const maxCharacters = 1000;
const portOf: Record<RemoteScheme, number> = { https: 443, http: 80, ssh: 22, file: 0 };

/**
 * The parts of `https://HOST/PATH`, `ssh://USER@HOST/PATH` or `USER@HOST:PATH`; `http` and `file` when the configuration has
 * them. Refuses (`invalid`) everything else, and addresses with a password in them.
 */
export function parseRemoteAddress(
  settings: Pick<MirrorSettings, 'allowedSchemes'>,
  given: string,
): RemoteAddress {
  const text = given.trim();
  if (text === '') throw refusal('it is empty');
  if (text.length > maxCharacters) throw refusal(`it has more than ${maxCharacters} characters`);
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u0020\u007f\\'"`$<>|;&]/.test(text)) throw refusal('it has a character that no address has');
  if (text.startsWith('-')) throw refusal('it begins like an option');
  // A URL is read without them; who writes them means something else than what is read.
  if (/\/(?:\.|%2e){1,2}(?:\/|$)/i.test(text)) throw refusal('it has a . or .. in it');
  if (/^[a-z0-9+.-]+::/i.test(text)) throw refusal('it names a program of git, not a place');
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? ofUrl(text) : ofShortForm(text);
  checkPath(address.path);
  if (!settings.allowedSchemes.includes(address.scheme)) {
    throw refusal(
      `this forge does not use ${address.scheme}; an operator can add it to mirror.allowedSchemes`,
    );
  }
  return address;
}

const refusal = (why: string): ForgeError =>
  new ForgeError(
    'invalid',
    `The address of the remote is refused: ${why}. Write https://HOST/PATH or git@HOST:PATH.`,
  );

function ofUrl(text: string): RemoteAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) throw refusal('it is no address');
  const scheme = remoteSchemes.find((one) => `${one}:` === url.protocol);
  if (scheme === undefined)
    throw refusal(`${url.protocol.slice(0, 40)} is no way to a remote that this forge uses`);
  if (url.search !== '' || url.hash !== '') throw refusal('it has a ? or a # in it');
  if (url.password !== '' || (url.username !== '' && scheme !== 'ssh')) {
    throw refusal('it has a name or a password in it, which belongs into the fields for the credential');
  }
  const { pathname: path } = url;
  if (scheme === 'file') return ofFolder(url);
  const host = checkedHost(url.hostname);
  const user = scheme === 'ssh' ? checkedUser(url.username || 'git') : undefined;
  const port = url.port === '' ? portOf[scheme] : Number(url.port);
  if (port === 0) throw refusal('0 is no port');
  const shownHost = isIPv6(host) ? `[${host}]` : host;
  const place = port === portOf[scheme] ? shownHost : `${shownHost}:${port}`;
  const shown = `${scheme}://${user === undefined ? '' : `${user}@`}${place}${path}`;
  return { scheme, user, host, port, path, text: shown };
}

function ofFolder({ hostname, pathname }: URL): RemoteAddress {
  if (hostname !== '') throw refusal('a folder is on this machine and has no host');
  const path = decoded(pathname);
  return { scheme: 'file', user: undefined, host: '', port: 0, path, text: `file://${pathname}` };
}

/** `user@host:path`, where the path is below the home of the user unless it begins with a slash; or a folder. */
function ofShortForm(text: string): RemoteAddress {
  if (text.startsWith('/')) {
    if (text.includes('%')) throw refusal('it has a character that no address has');
    return { scheme: 'file', user: undefined, host: '', port: 0, path: text, text: `file://${text}` };
  }
  const [, who, where, path] = /^(?:([^@/:]+)@)?([^@/:[\]]+):([^:].*)$/s.exec(text) ?? [];
  if (where === undefined || path === undefined) throw refusal('it is neither a URL nor USER@HOST:PATH');
  if (path.startsWith('-')) throw refusal('its path begins like an option');
  const user = checkedUser(who ?? 'git');
  const host = checkedHost(where.toLowerCase());
  const port = portOf.ssh;
  const shown = path.startsWith('/') ? `ssh://${user}@${host}${path}` : `${user}@${host}:${path}`;
  return { scheme: 'ssh', user, host, port, path, text: shown };
}

function checkedHost(text: string): string {
  const host = text.replace(/^\[|\]$/g, '').toLowerCase();
  if (host !== text.toLowerCase() && isIPv6(host)) return host;
  if (host.length > 253 || !/^[a-z0-9](?:[a-z0-9_.-]*[a-z0-9.])?$/.test(host))
    throw refusal('its host is none');
  return host;
}

function checkedUser(user: string): string {
  if (!/^[a-z0-9_][a-z0-9_.-]{0,63}$/i.test(user)) throw refusal('the user in it is none');
  return user;
}

function checkPath(path: string): void {
  const plain = decoded(path);
  if (plain.replaceAll('/', '') === '') throw refusal('it names no repository');
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(plain)) throw refusal('its path has a character that no path has');
  if (plain.split('/').some((part) => part === '..' || part === '.'))
    throw refusal('its path has a . or .. in it');
  if (/^\/*-/.test(plain)) throw refusal('its path begins like an option');
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw refusal('its path is not written as one');
  }
}
