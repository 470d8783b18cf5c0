// Whether a request comes from a program on the machine of the forge itself, and not from somebody whom a proxy there
// passes on.
import type { Request } from 'express';

const forwarded = [
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'forwarded',
  'via',
  'x-real-ip',
];

export function isFromHere(request: Request): boolean {
  const peer = request.socket.remoteAddress ?? '';
  const isLoopback = peer === '::1' || /^(?:::ffff:)?127\./.test(peer);
  return isLoopback && !forwarded.some((header) => request.headers[header] !== undefined);
}
