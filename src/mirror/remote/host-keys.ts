// The keys by which an SSH server is known: kept one a line as `TYPE BASE64`, without the name of the server.
import { createHash } from 'node:crypto';

const maxKeys = 20;
const keyLine =
  /(?:^|\s)((?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]{1,60})\s+([A-Za-z0-9+/]{16,8000}={0,2})(?:\s|$)/;

/** The keys in lines of `known_hosts`, of `ssh-keyscan` or of the forge itself; what is no key is left out. */
export function hostKeysIn(text: string): string {
  const keys = text.split('\n').flatMap((line) => {
    const [, type, base64] = line.startsWith('#') ? [] : (keyLine.exec(line) ?? []);
    return type === undefined ? [] : [`${type} ${base64}`];
  });
  return [...new Set(keys)].slice(0, maxKeys).join('\n');
}

/** As `ssh` shows them: `ED25519 SHA256:…`. */
export function fingerprintsOf(hostKeys: string): string[] {
  return hostKeysIn(hostKeys)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [type = '', base64 = ''] = line.split(' ');
      const hash = createHash('sha256').update(Buffer.from(base64, 'base64')).digest('base64');
      const name = type.replace(/^sk-|^ssh-|@.*$/g, '').replace(/-.*$/, '');
      return `${name.toUpperCase()} SHA256:${hash.replace(/=+$/, '')}`;
    });
}

/** Lines of a `known_hosts` file for one name. */
export const knownHostsOf = (name: string, hostKeys: string): string =>
  hostKeys
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => `${name} ${line}\n`)
    .join('');
