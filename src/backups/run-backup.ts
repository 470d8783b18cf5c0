// One backup of a forge at a time, whoever asked for it: what it does now can be seen, and a stop of the forge ends it.
import type { Forge } from '../forge/open.ts';
import { ForgeError, errorMessage } from '../lib/errors.ts';
import { backUp, type BackedUp, type BackupOrder } from './back-up.ts';

interface Progress {
  /** UTC milliseconds. */
  startedAt: number;
  doing: string;
}

interface State {
  progress: Progress | undefined;
  /** Why the last one failed; undefined once one has succeeded. */
  failure: { at: number; why: string } | undefined;
  stop: AbortController | undefined;
}

const states = new WeakMap<Forge, State>();

function stateOf(forge: Forge): State {
  const known = states.get(forge);
  if (known !== undefined) return known;
  const state: State = { progress: undefined, failure: undefined, stop: undefined };
  states.set(forge, state);
  return state;
}

export const runningBackup = (forge: Forge): Progress | undefined => stateOf(forge).progress;
export const failedBackup = (forge: Forge): State['failure'] => stateOf(forge).failure;

/** Refuses (`conflict`) while another one runs; see `backUp` for the rest. */
export async function runBackup(
  forge: Forge,
  order: Omit<BackupOrder, 'signal' | 'onDoing'>,
): Promise<BackedUp> {
  const state = stateOf(forge);
  requireNone(forge);
  const stop = new AbortController();
  const tell = (doing: string): void => {
    state.progress = { startedAt: state.progress?.startedAt ?? forge.clock.now(), doing };
    forge.events.emit('backup-changed', {});
  };
  state.stop = stop;
  tell('begins');
  try {
    const made = await backUp(forge, { ...order, signal: stop.signal, onDoing: tell });
    state.failure = undefined;
    return made;
  } catch (error) {
    state.failure = { at: forge.clock.now(), why: errorMessage(error) };
    throw error;
  } finally {
    state.progress = undefined;
    state.stop = undefined;
    forge.events.emit('backup-changed', {});
  }
}

export function requireNone(forge: Forge): void {
  const { progress } = stateOf(forge);
  if (progress === undefined) return;
  const since = new Date(progress.startedAt).toISOString();
  throw new ForgeError('conflict', `A backup runs since ${since}; wait until it has ended.`);
}

/** Ends the backup that runs; nothing of it stays. */
export function stopBackup(forge: Forge): void {
  stateOf(forge).stop?.abort(new ForgeError('unavailable', 'The forge stops, and with it the backup.'));
}
