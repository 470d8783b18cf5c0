import { createHmac } from 'node:crypto';

/**
 * The header `X-Pika-Signature`: `t=SECONDS,v1=HEX`, where HEX is HMAC-SHA256 with the secret over `SECONDS.BODY`. The time is
 * signed too, so that a receiver can refuse what somebody recorded and sends again.
 */
export function signBody(secret: string, body: string, atMs: number): string {
  const seconds = Math.floor(atMs / 1000);
  const sum = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
  return `t=${seconds},v1=${sum}`;
}
