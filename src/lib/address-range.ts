import { isIP } from 'node:net';

/** Whether `text` is a range of addresses such as `10.0.0.0/8` or `fd00::/8`, or one address. */
export function isAddressRange(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  if (prefix === undefined) return true;
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128);
}

/** Whether `text` is `ADDRESS` or `ADDRESS:PORT`, as a resolver is told its servers; IPv6 with a port is `[ADDRESS]:PORT`. */
export function isNameServer(text: string): boolean {
  const [, bracketed, plain, port = '53'] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  return isIP(text) !== 0 || (isIP(bracketed ?? plain ?? '') !== 0 && Number(port) <= 65_535);
}
