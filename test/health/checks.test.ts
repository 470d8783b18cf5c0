import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { Checks } from '../../src/health/checks.ts';
import { probeSsh } from '../../src/health/probe-ssh.ts';
import { probesOf } from '../../src/health/probes.ts';
import { createLog } from '../../src/lib/log.ts';
import { Loop } from '../../src/lib/loop.ts';
import { useForge } from '../support/forge.ts';

const open = useForge();
const hour = 3_600_000;

const row = (probe: () => Promise<string | undefined> | string | undefined, freshMs = hour) => ({
  name: 'git' as const,
  freshMs,
  probe,
});

describe('checks', () => {
  test('run once for all who ask at the same time, and again when the answer is old', async () => {
    let runs = 0;
    const gate = Promise.withResolvers<undefined>();
    const probe = () => {
      runs += 1;
      return gate.promise;
    };
    const checks = new Checks([row(probe)], hour);
    const asked = [checks.look(), checks.look()];
    gate.resolve(undefined);
    expect(await Promise.all(asked)).toEqual([
      [{ name: 'git', fault: undefined }],
      [{ name: 'git', fault: undefined }],
    ]);
    await checks.look();
    expect(runs).toBe(1);
    const eager = new Checks([row(probe, 0)], hour);
    await eager.look();
    await eager.look();
    expect(runs).toBe(3);
  });

  test('that hang or throw are checks that fail', async () => {
    const hanging = new Checks([row(() => new Promise<never>(() => undefined))], 1);
    expect(await hanging.look()).toEqual([
      { name: 'git', fault: expect.stringContaining('no answer within 0.001 seconds') },
    ]);
    const throwing = new Checks(
      [
        row(() => {
          throw new Error('no git here');
        }),
      ],
      hour,
    );
    expect(await throwing.look()).toEqual([{ name: 'git', fault: 'no git here' }]);
  });
});

describe('the SSH server', () => {
  const closing: (() => void)[] = [];
  afterEach(() => {
    for (const close of closing.splice(0)) close();
  });

  async function listen(greet: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket.on('error', () => undefined));
      greet(socket);
    }).listen(0, '127.0.0.1');
    closing.push(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    await once(server, 'listening');
    return { server, port: (server.address() as AddressInfo).port };
  }
  const ask = (port: number, timeoutMs = hour) => probeSsh({ host: '127.0.0.1', port, timeoutMs });

  test('is fine when it greets as SSH does', async () => {
    const { port } = await listen((socket) => void socket.write('SSH-2.0-test\r\n'));
    expect(await ask(port)).toBeUndefined();
  });

  test.each<[string, (socket: Socket) => void, string]>([
    ['greets as something else', (socket) => void socket.write('HTTP/1.1 400\r\n'), 'does not speak SSH'],
    ['hangs up', (socket) => void socket.end(), 'takes no more connections'],
  ])('is not when it %s', async (_title, greet, fault) => {
    const { port } = await listen(greet);
    expect(await ask(port)).toContain(fault);
  });

  test('is not when it says nothing, or is not there', async () => {
    const { server, port } = await listen(() => undefined);
    expect(await ask(port, 20)).toContain('says nothing');
    closing.splice(0).forEach((close) => close());
    await once(server, 'close');
    expect(await ask(port)).toContain('does not answer: ECONNREFUSED');
  });
});

test('a forge tells apart what of it does not work', async () => {
  const { forge } = await open();
  const loop = new Loop({
    name: 'sleeping',
    pollMs: hour,
    log: createLog('silent'),
    now: () => 0,
    runOnce: () => undefined,
  });
  const rows = probesOf(forge, { loops: () => [loop.status()] });
  const ask = async (name: string) => rows.find((one) => one.name === name)?.probe();
  expect([await ask('database'), await ask('disk'), await ask('git')]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(await ask('loops')).toContain('sleeping');
  loop.start();
  expect(await ask('loops')).toBeUndefined();
  await loop.stop();

  forge.config.limits.minFreeMebibytes = 1e12;
  expect(await ask('disk')).toContain('full');
  const { gitHome } = forge.config.paths;
  writeFileSync(`${gitHome}/config`, '[core]\n\thooksPath = /nonexistent\n');
  expect(await ask('git')).toContain('altered since the start');
  expect(await ask('hooks')).toContain('cannot run the hook pre-receive');
});

test('a database that cannot be read is told', async () => {
  const { forge } = await open();
  const [database] = probesOf(forge, { loops: () => [] });
  forge.db.exec('ALTER TABLE repos RENAME TO gone');
  await expect((async () => database?.probe())()).rejects.toThrow('no such table');
});
