// The look-up of a connection that may go to public addresses alone, and to those that the configuration opens.
import { isIP, type LookupFunction } from 'node:net';
import { reachable } from './public-address.ts';
import { addressesOf } from './resolve-name.ts';

export interface LookupRules {
  allowedRanges: readonly string[];
  nameServers: readonly string[];
  /** What an operator writes to open an address, such as `webhooks.allowedRanges`. */
  setting: string;
}

/** A name leads to where nobody may be sent. */
export class Unreachable extends Error {}

/** Why an address in the place of a name may not be connected to; it is never looked up. Undefined for names. */
export function refusedHost(host: string, { allowedRanges, setting }: LookupRules): Error | undefined {
  const bare = host.replace(/^\[|\]$/g, '');
  if (isIP(bare) === 0 || reachable(allowedRanges)(bare)) return undefined;
  return notAllowed(bare, { addresses: [bare], setting });
}

/**
 * Hands the connection only addresses that may be reached. It is the one look-up of the exchange, and what it answers is what
 * is connected to, so a name that answers differently the next time gains nothing.
 */
export function checkedLookup({ allowedRanges, nameServers, setting }: LookupRules): LookupFunction {
  const isReachable = reachable(allowedRanges);
  return (hostname, options, callback) => {
    addressesOf(hostname, nameServers).then(
      (addresses) => {
        const found = addresses
          .filter(isReachable)
          .map((address) => ({ address, family: isIP(address) === 6 ? 6 : 4 }));
        const [first] = found;
        if (first === undefined) callback(notAllowed(hostname, { addresses, setting }), '', 4);
        else if (options.all === true) callback(null, found);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => callback(error as Error, '', 4),
    );
  };
}

function notAllowed(
  host: string,
  { addresses, setting }: { addresses: readonly string[]; setting: string },
): Error {
  if (addresses.length === 0) return new Error(`nobody knows the name ${host}`);
  return new Unreachable(
    `${host} is at ${addresses.slice(0, 3).join(', ')}, which is no public address; an operator can open it with ${setting}`,
  );
}
