// Loaded into the forge of a soak by NODE_OPTIONS: ends one of its lane threads or tells its memory when it is asked
// to on a socket. The forge knows nothing of it.
import { subscribe } from 'node:diagnostics_channel';
import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { memoryUsage } from 'node:process';
import { isMainThread, type Worker } from 'node:worker_threads';

const path = process.env['SOAK_SOCKET'];
const threads = new Set<Worker>();

/** Ends a thread that runs a lane, or one that waits for its first; undefined when there is none. */
async function endThread(dice: number): Promise<string | undefined> {
  const thread = [...threads][Math.floor(dice * threads.size)];
  if (thread === undefined) return undefined;
  threads.delete(thread);
  await thread.terminate();
  return 'ended';
}

function tellMemory(): string {
  // Twice: what a finaliser lets go of is collected by the second.
  for (let turn = 0; turn < 2; turn += 1) globalThis.gc?.();
  const { heapUsed, external, rss } = memoryUsage();
  return JSON.stringify({ heapUsed, external, rss, laneThreads: threads.size });
}

// The forge starts programs of its own with the same environment; only it is the one to be asked.
if (path !== undefined && isMainThread && process.argv[2] === 'serve') {
  subscribe('worker_threads', (message) => {
    const { worker } = message as { worker: Worker };
    if (worker.threadName !== 'lane') return;
    threads.add(worker);
    worker.on('exit', () => threads.delete(worker));
  });
  rmSync(path, { force: true });
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (data) => {
      const [order = '', dice = '0'] = data.toString().trim().split(' ');
      const answered = order === 'thread' ? endThread(Number(dice)) : Promise.resolve(tellMemory());
      void answered.then((answer) => socket.end(answer ?? ''));
    });
  });
  server.listen(path).unref();
}
