// The entry of the process that starts git for the forge. To start a program, a process copies the tables of its
// memory first, which takes the forge many milliseconds in which no page is served; this one has hardly any memory.
import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { socketPath } from '../lib/socket-path.ts';
import type { FromSpawner, SpawnOrder, ToSpawner } from './spawner.ts';

// Given as argument by the forge: where it listens.
const address = process.argv[2] ?? '';
const waiting = new Map<number, Socket>();
const running = new Map<number, ChildProcess>();
/** Those of them whose groups end with the forge. */
const bound = new Map<number, ChildProcess>();
let lastEnd = 0;

const tell = (message: FromSpawner): void => {
  if (process.connected) process.send?.(message);
};

process.on('message', (message: ToSpawner) => {
  if (message.kind === 'open') for (let count = 0; count < message.count; count += 1) openEnd();
  else if (message.kind === 'spawn') start(message.order);
});
process.on('disconnect', () => {
  for (const child of bound.values()) killGroup(child);
  process.exit(0);
});
// A service manager and a terminal signal the whole group; the forge decides when this process ends.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);

/** One more connection to the forge. It is named by its place in the order, which is that of the other side too. */
function openEnd(): void {
  const end = connect(socketPath(address));
  // Whatever arrives is for the program that will be started with it.
  end.pause();
  end.on('error', () => undefined);
  lastEnd += 1;
  waiting.set(lastEnd, end);
}

function start(order: SpawnOrder): void {
  const ends = order.ends.map((name) => {
    const end = waiting.get(name);
    waiting.delete(name);
    return end;
  });
  const { id, program, args, cwd, env, detached, endsWithForge } = order;
  try {
    // libuv makes the first three block, as programs expect it; the others are pipes of this process, for hooks.
    const stdio: StdioOptions = ends.map((end, fd) => (fd < 3 ? (end ?? 'ignore') : 'pipe'));
    const child = spawn(program, args, { cwd, env, detached, stdio });
    running.set(id, child);
    if (endsWithForge === true && detached) bound.set(id, child);
    child.on('spawn', () => tell({ kind: 'started', id, pid: child.pid ?? 0 }));
    child.on('error', (error) => ended(id, { code: null, signal: null, error: error.message }));
    child.on('exit', (code, signal) => ended(id, { code, signal }));
    for (const [fd, end] of ends.entries()) if (fd >= 3 && end !== undefined) relay(child, fd, end);
  } catch (error) {
    tell({ kind: 'ended', id, code: null, signal: null, error: String(error) });
  } finally {
    // The program holds copies of its own.
    for (const end of ends.slice(0, 3)) end?.destroy();
  }
}

function relay(child: ChildProcess, fd: number, end: Socket): void {
  const pipe = child.stdio[fd] as Socket | null;
  if (pipe === null || pipe === undefined) return void end.destroy();
  pipe.on('error', () => undefined);
  pipe.on('close', () => end.destroy());
  end.on('close', () => pipe.destroy());
  pipe.pipe(end).pipe(pipe);
}

function ended(id: number, how: Omit<Extract<FromSpawner, { kind: 'ended' }>, 'kind' | 'id'>): void {
  bound.delete(id);
  if (running.delete(id)) tell({ kind: 'ended', id, ...how });
}

function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The group has ended by itself.
  }
}
