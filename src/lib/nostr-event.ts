import { z } from 'zod';

/** The kind of an event that asks for something over HTTP (NIP-98). */
export const httpAuthKind = 27_235;

const hex = (bytes: number) =>
  z.string().regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`), `${bytes} bytes in lower-case hex`);

/** A signed event (NIP-01), within the lengths that a sign-in needs. */
export const nostrEvent = z.object({
  id: hex(32),
  pubkey: hex(32),
  created_at: z.number().int().min(0),
  kind: z.number().int().min(0),
  tags: z.array(z.array(z.string().max(2048)).max(16)).max(64),
  content: z.string().max(4096),
  sig: hex(64),
});
export type NostrEvent = z.infer<typeof nostrEvent>;
export type EventTemplate = Pick<NostrEvent, 'created_at' | 'kind' | 'tags' | 'content'>;
