// Where a cache lies: `caches/<repository>/<scope>/<hash of its key>`, known to the forge and to the lane's side.
import { createHash } from 'node:crypto';

/** Begins the names of caches that no claim has been answered for yet. */
export const incomingPrefix = 'incoming-';
export const trashPrefix = 'trash-';

export const cacheEntryName = (key: string): string => createHash('sha256').update(key).digest('hex');

/** Where the cache at `place` among those that a lane asks for waits for the end of its claim. */
export const incomingName = (
  { attemptId, token }: { attemptId: number; token: number },
  place: number,
): string => `${incomingPrefix}${attemptId}-${token}-${place}`;
