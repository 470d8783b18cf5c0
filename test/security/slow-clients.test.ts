// S3, D2: clients that take their time, take nothing, or send more than they may, against a forge as people start it.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { Client, type ClientChannel } from 'ssh2';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { GitClient } from '../support/git-client.ts';
import { gitProcesses, writtenBytes } from '../support/git-processes.ts';
import { runProgram } from '../support/run-program.ts';
import { pushProject } from '../support/sample-project.ts';
import { disposeServed, startForge, type ServedForge } from '../support/serve.ts';
import { sshArguments } from '../support/ssh.ts';

const settings = `[limits]
maxGitProcesses = 1
maxWaitingGit = 4
httpStallSeconds = 8
httpHeaderSeconds = 2
sshHandshakeSeconds = 5
maxSshConnections = 520
`;
const bigBytes = 40 * 1024 * 1024;
// What the kernel and the program hold on the way, at most.
const onTheWayBytes = 16 * 1024 * 1024;
const slow = { timeout: 60_000 };
const patient = { timeout: 10_000 };

let served: ServedForge;
let ada: GitClient;
let token: string;
let head: string;

beforeAll(async () => {
  served = await startForge({ settings });
  ada = await served.person('ada', 'admin');
  token = await served.token('ada');
  writeFileSync(`${ada.checkout}/big.bin`, randomBytes(bigBytes));
  head = await pushProject(served, { client: ada, repo: 'ada/app', files: { 'a.txt': 'a\n' } });
}, 120_000);

afterAll(() => disposeServed(served), 60_000);

const uploads = (): number[] => gitProcesses(served.data, 'upload-pack');
const wantAll = (): string => `0032want ${head}\n00000009done\n`;

/** A client of SSH that is not bound by the rules. */
async function signIn(): Promise<Client> {
  const client = new Client();
  client.on('error', () => undefined);
  onTestFinished(() => void client.destroy());
  const ready = once(client, 'ready');
  const privateKey = readFileSync(ada.key.file);
  client.connect({ host: '127.0.0.1', port: served.sshPort, username: 'git', privateKey });
  await ready;
  return client;
}

function execute(client: Client, command: string): Promise<ClientChannel> {
  return new Promise((resolve, reject) =>
    client.exec(command, (error, channel) => (error === undefined ? resolve(channel) : reject(error))),
  );
}

function openHttp(): Socket {
  const socket = connect(Number(new URL(served.http).port), '127.0.0.1');
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  return socket;
}

const postHead = (service: string, length: number): string =>
  [
    `POST /ada/app.git/${service} HTTP/1.1`,
    'Host: forge',
    `Authorization: Bearer ${token}`,
    `Content-Type: application/x-${service}-request`,
    `Content-Length: ${length}`,
    '',
    '',
  ].join('\r\n');

/** Asks for everything and reads nothing, over either front. Answers how to hang up. */
async function readNothing(way: 'SSH' | 'HTTP'): Promise<() => void> {
  if (way === 'HTTP') {
    const socket = openHttp().pause();
    socket.write(postHead('git-upload-pack', wantAll().length) + wantAll());
    return () => socket.destroy();
  }
  const client = await signIn();
  const channel = await execute(client, 'git-upload-pack /ada/app');
  await once(channel, 'data');
  const inner = client as unknown as {
    _protocol: { channelWindowAdjust(id: number, bytes: number): void };
    _sock: Socket;
  };
  const { outgoing } = channel as unknown as { outgoing: { id: number } };
  inner._protocol.channelWindowAdjust(outgoing.id, 0x7000_0000);
  inner._sock.pause();
  channel.write(wantAll());
  return () => inner._sock.destroy();
}

const listing = (signal?: AbortSignal): Promise<Response> =>
  fetch(`${served.http}/ada/app.git/info/refs?service=git-upload-pack`, {
    headers: { Authorization: `Bearer ${token}` },
    ...(signal === undefined ? {} : { signal }),
  });

/** How many git clients wait for a place. */
async function countWaiting(): Promise<number> {
  const answer = await fetch(`${served.http}/metrics`, { headers: { Authorization: `Bearer ${token}` } });
  return Number(/^pika_git_clients\{state="waiting"\} (\d+)$/m.exec(await answer.text())?.[1]);
}

/** What becomes of one more client within a moment. */
async function nextClient(): Promise<'served' | 'refused' | 'waits'> {
  try {
    const answer = await listing(AbortSignal.timeout(400));
    if (answer.status !== 503) return 'served';
    expect(answer.headers.get('retry-after')).toBe('5');
    expect(await answer.text()).toContain('The forge serves 1 git clients already, and 2 more wait.');
    return 'refused';
  } catch {
    return 'waits';
  }
}

for (const way of ['SSH', 'HTTP'] as const) {
  test(
    `D2: git waits for a client over ${way} that reads nothing, and ends when it hangs up`,
    slow,
    async () => {
      const hangUp = await readNothing(way);
      await expect.poll(uploads, patient).toHaveLength(1);
      const pid = uploads()[0]!;
      // Until git has stopped handing on, because nobody takes it.
      let before = -1;
      await expect
        .poll(
          () => {
            const now = writtenBytes(pid);
            const isStill = now > 100_000 && now === before;
            before = now;
            return isStill;
          },
          { timeout: 20_000, interval: 500 },
        )
        .toBe(true);
      expect(before).toBeLessThan(onTheWayBytes);
      hangUp();
      await expect.poll(uploads, patient).toEqual([]);
      await expect.poll(nextClient, patient).toBe('served');
    },
  );

  test(`D2: who hangs up over ${way} while waiting for a place leaves the queue`, slow, async () => {
    const holder = await signIn();
    await once(await execute(holder, 'git-upload-pack /ada/app'), 'data');
    const waiting = await Promise.all(
      [1, 2].map(async () => {
        if (way === 'HTTP') {
          const gone = new AbortController();
          listing(gone.signal).catch(() => undefined);
          return () => gone.abort();
        }
        const client = await signIn();
        await execute(client, 'git-upload-pack /ada/app');
        return () => client.destroy();
      }),
    );
    // Asked before both wait, the next client could take the place of the second.
    await expect.poll(countWaiting, patient).toBe(2);
    await expect.poll(nextClient, patient).toBe('refused');
    for (const hangUp of waiting) hangUp();
    await expect.poll(countWaiting, patient).toBe(0);
    await expect.poll(nextClient, patient).toBe('waits');
    holder.end();
    await expect.poll(nextClient, patient).toBe('served');
    await expect.poll(uploads, patient).toEqual([]);
  });
}

test('D2: a client of SSH that sends beyond its window is dropped', slow, async () => {
  const holder = await signIn();
  await once(await execute(holder, 'git-upload-pack /ada/app'), 'data');
  const client = await signIn();
  const channel = await execute(client, 'git-receive-pack /ada/app');
  (channel as unknown as { outgoing: { window: number } }).outgoing.window = Number.POSITIVE_INFINITY;
  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
  channel.on('error', () => undefined);
  // The library throws away what comes while exactly nothing is left of the window; these pieces jump over that.
  for (let piece = 0; piece < 1000; piece += 1) channel.write(Buffer.alloc(30_000));
  await closed;
  holder.end();
  await expect.poll(nextClient, patient).toBe('served');
});

test('S3: a client that stops in the middle of its body, or of its head, is dropped', slow, async () => {
  const body = openHttp().resume();
  const bodyClosed = once(body, 'close');
  body.write(`${postHead('git-receive-pack', 1_000_000)}00`);
  await expect.poll(() => gitProcesses(served.data, 'receive-pack'), patient).toHaveLength(1);
  await bodyClosed;
  await expect.poll(() => gitProcesses(served.data, 'receive-pack'), patient).toEqual([]);
  const heads = openHttp().resume();
  const headClosed = once(heads, 'close');
  heads.write('GET / HTTP/1.1\r\nHost: forge\r\nX-Slow: ');
  const drip = setInterval(() => heads.write('x'), 200);
  await headClosed;
  clearInterval(drip);
  await expect.poll(nextClient, patient).toBe('served');
});

test('S3: a head without end is refused', slow, async () => {
  const socket = openHttp();
  let said = '';
  socket.on('data', (chunk: Buffer) => (said += chunk.toString('latin1')));
  socket.write(`GET / HTTP/1.1\r\nHost: forge\r\nX-Long: ${'x'.repeat(20_000)}`);
  await expect.poll(() => said, patient).toContain('431');
  socket.destroy();
});

test(
  'S3: five hundred silent connections on each front keep nobody out, and are dropped over SSH',
  slow,
  async () => {
    const idle = Array.from({ length: 500 }, () =>
      connect(served.sshPort, '127.0.0.1').on('error', () => undefined),
    );
    const silent = Array.from({ length: 500 }, openHttp);
    await Promise.all([...idle, ...silent].map((socket) => once(socket, 'connect')));
    const dropped = idle.map((socket) => once(socket.resume(), 'close'));
    const argv = [...sshArguments(ada.key, served.sshPort), 'git@127.0.0.1', 'whoami'];
    expect(await runProgram(argv, { cwd: ada.home, env: ada.env })).toMatchObject({
      status: 0,
      stdout: 'ada\n',
    });
    await expect.poll(nextClient, patient).toBe('served');
    await Promise.all(dropped);
    for (const socket of silent) socket.destroy();
  },
);
