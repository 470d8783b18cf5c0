// The moments at which something is killed: at random, or at a named step of the forge, seen by what git and the
// forge write. A step is a few milliseconds long, so the blow falls in the very callback of the watcher.
import { existsSync, readdirSync, watch, type FSWatcher } from 'node:fs';
import { join } from 'node:path';

export interface Moment {
  name: string;
  /** What must be among the work for the moment to come. */
  needs: { merge: boolean; housekeeping: boolean };
  /** Calls `strike` once when the moment has come; the answer stops the waiting. */
  arm: (folders: Folders, strike: () => void) => () => void;
}

export interface Folders {
  data: string;
  /** The bare repository that the pushes go to. */
  repo: string;
}

interface Step {
  name: string;
  folder: (folders: Folders) => string;
  /** The file that appears, changes or goes. */
  file: RegExp;
}

const inRepo =
  (...parts: string[]) =>
  ({ repo }: Folders): string =>
    join(repo, ...parts);
const spool = ({ data }: Folders): string => join(data, 'spool');

const steps: Step[] = [
  { name: 'receive: the quarantine is there', folder: inRepo('objects'), file: /incoming-/ },
  { name: 'receive: objects arrive', folder: inRepo('objects'), file: /^[0-9a-f]{2}$/ },
  { name: 'receive: a pack arrives', folder: inRepo('objects/pack'), file: /\.(?:pack|idx)$/ },
  { name: 'receive: a ref is locked', folder: inRepo('refs/heads'), file: /^b\d+\.lock$/ },
  { name: 'receive: a ref has moved', folder: inRepo('refs/heads'), file: /^b\d+$/ },
  { name: 'spool: the push is written', folder: spool, file: /\.(?:tmp|draft)$/ },
  { name: 'spool: the push is there', folder: spool, file: /^[0-9a-z-]+$/ },
  { name: 'ingest: the rows are written', folder: ({ data }) => data, file: /^forge\.db-wal$/ },
  { name: 'pin: a branch gets its first pin', folder: inRepo('refs/pika/heads'), file: /^\d+$/ },
  { name: 'merge: its target is locked', folder: inRepo('refs/heads'), file: /^main\.lock$/ },
  { name: 'merge: its target has moved', folder: inRepo('refs/heads'), file: /^main$/ },
  { name: 'housekeeping: refs are packed', folder: inRepo(), file: /^packed-refs/ },
  { name: 'housekeeping: a pack is made', folder: inRepo('objects/pack'), file: /tmp|multi-pack-index/ },
  {
    name: 'housekeeping: the commits are indexed',
    folder: inRepo('objects/info/commit-graphs'),
    file: /graph/,
  },
];

const atStep = ({ name, folder, file }: Step): Moment => ({
  name,
  needs: { merge: name.startsWith('merge'), housekeeping: name.startsWith('housekeeping') },
  arm: (folders, strike) => {
    let watcher: FSWatcher | undefined;
    const path = folder(folders);
    // Some steps have no folder before they come for the first time.
    const open = (): void => {
      if (!existsSync(path)) return;
      watcher = watch(path, (_event, changed) => {
        if (changed === null || !file.test(changed)) return;
        watcher?.close();
        strike();
      });
      watcher.on('error', () => watcher?.close());
    };
    open();
    return () => watcher?.close();
  },
});

/** Up to this long after the work has begun, which covers its whole length on a slow machine too. */
const spanMs = 1500;

const atRandom = (random: () => number): Moment => {
  const delayMs = Math.round(random() ** 1.5 * spanMs);
  return {
    name: `after ${delayMs} ms`,
    needs: { merge: false, housekeeping: random() < 0.5 },
    arm: (_folders, strike) => {
      const timer = setTimeout(strike, delayMs);
      return () => clearTimeout(timer);
    },
  };
};

/** Every named step in turn, with two moments at random after each. */
export function* moments(random: () => number): Generator<Moment, never> {
  for (;;) {
    for (const step of steps) {
      yield atStep(step);
      yield atRandom(random);
      yield atRandom(random);
    }
  }
}

/** The folder of the only repository of a forge. */
export const onlyRepo = (data: string): string =>
  join(data, 'repos', readdirSync(join(data, 'repos')).find((name) => name.endsWith('.git')) ?? '');
