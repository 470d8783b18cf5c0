import { closeSync, fsync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

/**
 * Writes an accepted push to the spool, as hooks/post-receive does where nobody answers it; `environment` is what
 * that hook was given. The push is on the disk when the promise is kept.
 */
export async function writeSpool(
  environment: Readonly<Record<string, string>>,
  lines: readonly string[],
): Promise<void> {
  const { PIKA_SPOOL, PIKA_PUSH_ID, PIKA_REPO_ID, PIKA_ACTOR_ID } = environment;
  if (!PIKA_SPOOL || !PIKA_PUSH_ID) throw new Error('a push without a place in the spool');
  const path = join(PIKA_SPOOL, PIKA_PUSH_ID);
  // Not the name that the hook writes to, if it has lost patience.
  const file = openSync(`${path}.draft`, 'w', 0o600);
  try {
    writeSync(file, `${[`repo ${PIKA_REPO_ID}`, `actor ${PIKA_ACTOR_ID}`, ...lines].join('\n')}\n`);
    // Only this may wait for the disk.
    await promisify(fsync)(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.draft`, path);
}
