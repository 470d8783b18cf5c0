// The syncs that run: each has the hold of its remote, and gives it back however it ends.
import type { Forge } from '../forge/open.ts';
import { errorMessage, ForgeError } from '../lib/errors.ts';
import { Slots } from '../lib/slot.ts';
import type { MirrorRemote } from './model.ts';
import { pushMirror } from './push-mirror.ts';
import {
  endSync,
  stillHolds,
  takeRemote,
  type MirrorHold,
  type SyncOrder,
  type SyncOutcome,
} from './take-remote.ts';

interface Running {
  hold: MirrorHold;
  stopping: AbortController;
  ended: Promise<void>;
}

export class RunningSyncs {
  readonly #forge: Forge;
  readonly #onEnd: () => void;
  readonly #slots = new Slots();
  readonly #running = new Set<Running>();
  /** By remote, as its newest sync found it. What a forge before this one found is not known, and looked at once. */
  readonly #owesObjects = new Map<number, boolean>();

  constructor(forge: Forge, onEnd: () => void) {
    this.#forge = forge;
    this.#onEnd = onEnd;
  }

  get count(): number {
    return this.#running.size;
  }

  /** Begins a sync and answers its id; undefined when the remote has one already. */
  launch(order: SyncOrder): number | undefined {
    const { id, problem } = order.remote;
    const owesObjects = this.#owesObjects.get(id) ?? problem !== undefined;
    const hold = takeRemote(this.#forge, this.#slots, { ...order, owesObjects });
    if (hold === undefined) return undefined;
    const stopping = new AbortController();
    const ended = runSync(this.#forge, hold, { remote: order.remote, signal: stopping.signal })
      .then(({ owesObjects: owes }) => void (owes === undefined || this.#owesObjects.set(id, owes)))
      .catch((error: unknown) => this.#forge.log.error({ err: error, sync: hold.syncId }, 'a sync failed'))
      .finally(() => {
        this.#running.delete(one);
        this.#onEnd();
      });
    const one: Running = { hold, stopping, ended };
    this.#running.add(one);
    return hold.syncId;
  }

  /** Ends what could write nothing any more: its remote was changed or removed. */
  stopLost(): void {
    for (const { hold, stopping } of this.#running) if (!stillHolds(this.#forge, hold)) stopping.abort();
  }

  stopAll(): void {
    for (const { stopping } of this.#running) stopping.abort();
  }

  /** Resolves when those that run now have ended. */
  async ended(): Promise<void> {
    await Promise.all([...this.#running].map(({ ended }) => ended));
  }
}

/** One sync from its hold to its end. However it ends, it is written down and the slot is free again. */
async function runSync(
  forge: Forge,
  hold: MirrorHold,
  { remote, signal }: { remote: MirrorRemote; signal: AbortSignal },
): Promise<SyncOutcome> {
  forge.events.emit('mirror-changed', { repoId: remote.repoId });
  try {
    const outcome = await pushMirror(forge, hold, { remote, signal }).catch((error: unknown) =>
      failed(forge, { error, isStopped: signal.aborted }),
    );
    endSync(forge, hold, { remote, outcome });
    return outcome;
  } finally {
    hold.release();
    forge.events.emit('mirror-changed', { repoId: remote.repoId });
  }
}

/** What is not the remote's doing is the forge's, and belongs into its log; the remote is tried again all the same. */
function failed(forge: Forge, { error, isStopped }: { error: unknown; isStopped: boolean }): SyncOutcome {
  const nothing = { pushed: 0, deleted: 0, refused: 0, diverged: 0, isSoon: true };
  if (isStopped)
    return { ...nothing, state: 'interrupted', message: 'the forge stopped in the middle of it' };
  const isExpected = error instanceof ForgeError && error.code !== 'internal';
  if (!isExpected) forge.log.error({ err: error }, 'a sync failed');
  const message = isExpected ? errorMessage(error) : 'The forge failed; its log says more.';
  return { ...nothing, state: 'failed', message };
}
