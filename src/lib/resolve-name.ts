// The addresses of a name that somebody gave. The system's own resolver waits on one of the few threads that all of the
// forge's files are read with, so a dead name server would hold up everything; this one asks over the network and reads the
// hosts file.
import { Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';

const tryMs = 3000;
const tries = 2;
const hostsFile = '/etc/hosts';

/** Every address of a name, without regard to whether it may be reached; none when nobody knows the name. */
export async function addressesOf(name: string, nameServers: readonly string[]): Promise<string[]> {
  const bare = name.replace(/\.$/, '').toLowerCase();
  const known = await addressesInHosts(bare);
  if (known.length > 0) return known;
  const resolver = new Resolver({ timeout: tryMs, tries });
  if (nameServers.length > 0) resolver.setServers([...nameServers]);
  const found = await Promise.allSettled([resolver.resolve4(bare), resolver.resolve6(bare)]);
  return found.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
}

async function addressesInHosts(name: string): Promise<string[]> {
  const text = await readFile(hostsFile, 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    return isIP(address) !== 0 && names.some((one) => one.toLowerCase() === name) ? [address] : [];
  });
}
