// Which addresses the forge may be sent to, by a webhook or a remote. Whoever maintains one repository names them, and the
// forge stands where that person may not: so everything but the public internet is refused, unless the configuration opens it.
import { BlockList, isIP, isIPv4 } from 'node:net';

// RFC 6890 and the registries of special addresses: this host, private, shared, loopback, link-local (there, cloud
// machines find their credentials), protocol assignments, documentation, benchmarks, multicast, reserved.
const special4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
];
// Within the one range that is public: protocol assignments with Teredo, documentation, 6to4, which carries IPv4.
const public6 = '2000::/3';
const special6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

const never = listOf([...special4, ...special6]);
const global = listOf([public6]);

/** Answers whether an address, as a resolver or a URL spells it, may be connected to. */
export function reachable(allowedRanges: readonly string[]): (address: string) => boolean {
  const allowed = listOf(allowedRanges);
  return (address) => {
    const plain = plainOf(address);
    if (isIP(plain) === 0) return false;
    if (has(allowed, plain)) return true;
    return isIPv4(plain) ? !has(never, plain) : has(global, plain) && !has(never, plain);
  };
}

/** Without brackets and zone. An IPv4 address that is written as IPv6 is not public, and is in a range when the IPv4 one is. */
const plainOf = (address: string): string => address.replace(/^\[|\]$/g, '').replace(/%.*$/, '');

function listOf(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', prefix] = range.split('/');
    const family = isIPv4(address) ? 'ipv4' : 'ipv6';
    list.addSubnet(address, Number(prefix ?? (family === 'ipv4' ? 32 : 128)), family);
  }
  return list;
}

const has = (list: BlockList, address: string): boolean =>
  list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
