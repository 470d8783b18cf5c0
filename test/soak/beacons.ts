// Every lane of the soak holds a connection open while it lives, so that it is seen at once when too many run, when
// two of a group do, or one lane twice.
import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { findSurvivors } from '../../src/ci/lanes/survivors.ts';

export interface Beacon {
  cookie: string;
  attempt: number;
  token: number;
  group: string | undefined;
}

export class Beacons {
  readonly #server: Server;
  readonly #open = new Map<Socket, Beacon>();
  readonly #limit: number;
  readonly faults: string[] = [];
  #isHolding = false;
  #greeted = Promise.withResolvers<void>();
  /** Lanes that ran up to their last word. */
  completed = 0;
  started = 0;

  private constructor(server: Server, limit: number) {
    this.#server = server;
    this.#limit = limit;
    server.on('connection', (socket) => this.#hear(socket));
  }

  static async open(limit: number): Promise<Beacons> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Beacons(server, limit);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  list(): Beacon[] {
    return [...this.#open.values()];
  }

  /** From now on a lane that waits for a word waits until `release`. */
  hold(): void {
    this.#isHolding = true;
  }

  release(): void {
    this.#isHolding = false;
    for (const socket of this.#open.keys()) socket.write('go\n');
  }

  /** Resolves when a lane says that it has begun. */
  next(): Promise<void> {
    return this.#greeted.promise;
  }

  close(): void {
    for (const socket of this.#open.keys()) socket.destroy();
    this.#server.close();
  }

  #hear(socket: Socket): void {
    let text = '';
    socket.setEncoding('utf8');
    socket.on('error', () => undefined);
    socket.on('close', () => this.#open.delete(socket));
    socket.on('data', (data: string) => {
      text += data;
      const [first = '', ...rest] = text.split('\n');
      if (rest.length > 0 && !this.#open.has(socket)) this.#greet(socket, first);
      if (rest.includes('done')) this.completed += 1;
    });
  }

  /** `SCOPE.ATTEMPT-TOKEN. GROUP`: the cookie of the attempt, and the group of the lane or `-`. */
  #greet(socket: Socket, line: string): void {
    const [, cookie, attempt, token, group] = /^(\S+\.(\d+)-(\d+)\.) (\S+)$/.exec(line) ?? [];
    if (cookie === undefined) {
      this.faults.push(`a lane said ${JSON.stringify(line)}`);
      return;
    }
    this.started += 1;
    const beacon = {
      cookie,
      attempt: Number(attempt),
      token: Number(token),
      group: group === '-' ? undefined : group,
    };
    this.#open.set(socket, beacon);
    if (!this.#isHolding) socket.write('go\n');
    this.#greeted.resolve();
    this.#greeted = Promise.withResolvers<void>();
    if (problemsOf(this.list(), this.#limit).length === 0) return;
    // The connection of a killed program closes a moment after the program is gone, which is what counts.
    const alive = this.list().filter(({ cookie }) => findSurvivors(cookie).length > 0);
    this.faults.push(...problemsOf(alive, this.#limit));
  }
}

function problemsOf(lanes: Beacon[], limit: number): string[] {
  const problems: string[] = [];
  const names = lanes.map(({ attempt, token }) => `${attempt}-${token}`).sort();
  if (lanes.length > limit)
    problems.push(`${lanes.length} lanes run at once, ${limit} may: ${names.join(' ')}`);
  for (const [what, keys] of [
    ['attempt', lanes.map(({ attempt }) => String(attempt))],
    ['group', lanes.flatMap(({ group }) => group ?? [])],
  ] as const) {
    for (const key of new Set(keys)) {
      const count = keys.filter((other) => other === key).length;
      if (count > 1) problems.push(`${what} ${key} runs ${count} times at once: ${names.join(' ')}`);
    }
  }
  return problems;
}
