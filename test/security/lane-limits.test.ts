// L1: a lane that takes more than it may, or hides what it started.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import type { Bounds } from '../../src/ci/lanes/lane-message.ts';
import { findSurvivors } from '../../src/ci/lanes/survivors.ts';
import { useForge } from '../support/forge.ts';
import { laneStart, runLane, startLane } from '../support/lane-start.ts';

const open = useForge();
const patient = { timeout: 120_000 };
const longWait = { timeout: 60_000, interval: 100 };

const tiers = ['bubblewrap', 'unshare', 'none'] as const;

describe.each(tiers)('L1: in %s', (tier) => {
  test('a lane that forks without end is held or ended, and nothing of it stays', patient, async () => {
    const it = await open();
    const start = await laneStart(it, {
      tier,
      // Every program starts others until none can be started any more, and all of them stay.
      command: 'echo up; grow() { sleep 300 & grow; }; (grow) || exec sleep 300',
      maxPrograms: 40,
    });
    const { lane, ended, printed, log } = startLane(start);
    await printed;
    const isHeld = start.bounds.programs !== 'counted';
    if (isHeld) {
      await vi.waitFor(() => expect(findSurvivors(start.cookie).length).toBeGreaterThan(30), longWait);
      expect(findSurvivors(start.cookie).length).toBeLessThan(60);
    }
    lane.stop('cancelled');
    await ended;
    expect(findSurvivors(start.cookie)).toEqual([]);
    if (start.bounds.programs === 'cgroup') {
      expect(log()).toMatch(/times a program could not be started: 40 are the most/);
      expect(readdirSync(start.bounds.cgroups ?? '').join()).not.toContain(start.cookie);
    }
  });

  test('where the kernel does not count, a lane of too many programs is ended', patient, async () => {
    const it = await open();
    const start = await laneStart(it, {
      tier,
      command: 'for i in 1 2 3 4 5 6 7 8 9; do sleep 300 & done; wait',
      maxPrograms: 8,
    });
    const counted = { ...start.bounds, programs: 'counted' as const };
    delete counted.cgroups;
    const { result } = await runLane({ ...start, bounds: counted });
    expect(result).toMatchObject({ outcome: 'failed', failureKind: 'test_failure' });
    expect(result.message).toBe('had more than 8 programs at once');
    expect(findSurvivors(start.cookie)).toEqual([]);
  });

  test('a lane that fills the disk is ended', patient, async () => {
    const it = await open();
    const start = await laneStart(it, {
      tier,
      command: 'i=0; while :; do i=$((i+1)); head -c 1000000 /dev/zero > "file$i" || exit 9; done',
      maxDiskBytes: 30_000_000,
    });
    const { result } = await runLane(start);
    expect(result.message).toBe('took more than 28.6 MiB of the disk');
    expect(result.failureKind).toBe('test_failure');
    expect(existsSync(start.folder)).toBe(false);
  });

  test('a lane cannot write one file that is larger than its share', patient, async () => {
    const it = await open();
    const start = await laneStart(it, {
      tier,
      command: 'head -c 40000000 /dev/zero > "$HOME/file" || echo "ended $?"; stat -c %s "$HOME/file"',
      maxDiskBytes: 30_000_000,
    });
    const { log } = await runLane(start);
    expect(log).toMatch(/\nended (153|[12])\n30000000\n/);
  });

  test('a lane ends when its disk is nearly full, which is not its fault', patient, async () => {
    const it = await open();
    const start = await laneStart(it, { tier, command: 'echo up; sleep 300', minFreeBytes: 2 ** 60 });
    const { result } = await runLane(start);
    expect(result).toMatchObject({ outcome: 'failed', failureKind: 'infrastructure' });
    expect(result.message).toContain('the disk that the lane runs on has less than');
  });
});

describe('L1: in bubblewrap', () => {
  test(
    'what lies in memory has a size, and nothing else of the machine can be written',
    patient,
    async () => {
      const it = await open();
      const start = await laneStart(it, {
        tier: 'bubblewrap',
        command: `for place in /tmp /var/tmp /dev/shm; do head -c 9000000 /dev/zero > $place/file 2>/dev/null || true; stat -c "$place %s" $place/file; done
        for place in / /dev /lane /etc/ssh /proc /usr; do (echo x > $place/file) 2>/dev/null && echo "wrote $place"; done; true`,
        maxTemporaryBytes: 2 ** 20,
      });
      const { log } = await runLane(start);
      expect(log).toContain('/tmp 1048576\n/var/tmp 1048576\n/dev/shm 1048576\n');
      expect(log).not.toContain('wrote');
    },
  );

  test('secrets are not on the command line of any program', patient, async () => {
    const it = await open();
    const secret = 'only-in-the-environment';
    const start = await laneStart(it, {
      tier: 'bubblewrap',
      command: 'test "$TOKEN" = "$(printf only-in-; printf the-environment)" && echo has it; sleep 300',
      secrets: { TOKEN: secret },
    });
    const { lane, ended, printed, log } = startLane(start);
    await printed;
    const lines = findSurvivors(start.cookie).map(({ pid }) => readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.join()).not.toContain(secret);
    lane.stop('cancelled');
    await ended;
    expect(log()).toContain('\nhas it\n');
  });
});

describe.each(['bubblewrap', 'unshare'] as const)('L1: in %s', (tier) => {
  test.each([true, false])(
    'a lane reaches the network only where it has one: %s',
    patient,
    async (network) => {
      const it = await open();
      const server = createServer((socket) => socket.end('reached\n')).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const start = await laneStart(it, {
        tier,
        network,
        command: [
          'node',
          '-e',
          `require('net').connect(${port}, '127.0.0.1').on('data', (d) => console.log(String(d))).on('error', (e) => console.log('refused'))`,
        ],
      });
      const { log } = await runLane(start);
      server.close();
      expect(log).toContain(network ? 'reached' : 'refused');
      expect(log).not.toContain(network ? 'refused' : 'reached');
    },
  );
});

describe('L1: without a sandbox', () => {
  // A number of seconds that nobody else sleeps, by which the program is known.
  const newMarker = () => `${3000 + Math.floor(Math.random() * 1_000_000)}.${process.pid}`;

  // It leaves its parent, its session, its folder and its environment behind.
  const vanish = (marker: string) =>
    `(cd /; setsid env -i sleep ${marker} >/dev/null 2>&1 </dev/null &); echo up`;

  test.for(['subreaper', 'cgroups'] as const)(
    'a program that leaves everything behind is kept by its %s',
    patient,
    async (means, { skip }) => {
      const it = await open();
      const marker = newMarker();
      const start = await laneStart(it, { tier: 'none', command: vanish(marker) });
      const { subreaper, cgroups } = start.bounds;
      if (start.bounds[means] === undefined) skip(`there is no ${means} here`);
      const bounds: Bounds =
        means === 'cgroups'
          ? { programs: 'cgroup', cgroups: cgroups ?? '' }
          : { programs: 'counted', subreaper: subreaper ?? [] };
      const { result } = await runLane({ ...start, bounds });
      expect(result.outcome).toBe('success');
      expect(livingWith(marker)).toEqual([]);
    },
  );

  test.each([
    ['its session', (marker: string) => `(cd /; env -i sleep ${marker} >/dev/null 2>&1 &); echo up`],
    [
      'its folder',
      (marker: string) => `(setsid env -i sleep ${marker} >/dev/null 2>&1 </dev/null &); echo up`,
    ],
    [
      'a file of it',
      (marker: string) => `(cd /; setsid env -i sleep ${marker} >"$HOME/out" 2>&1 &); echo up`,
    ],
  ])('without either, a program is known by %s', patient, async (_by, hide) => {
    const it = await open();
    const marker = newMarker();
    const start = await laneStart(it, { tier: 'none', command: hide(marker) });
    const { result } = await runLane({ ...start, bounds: { programs: 'counted' } });
    expect(result.outcome).toBe('success');
    expect(livingWith(marker)).toEqual([]);
  });

  test(
    'the exit of the command is handed on: its code, its signal, and that it does not exist',
    patient,
    async () => {
      const it = await open();
      const start = await laneStart(it, { tier: 'none', command: 'exit 7' });
      const ends = [
        { command: 'exit 7', result: { exitCode: 7 } },
        { command: 'kill -9 $$', result: { signal: 'SIGKILL' } },
        { command: ['no-such-program'], result: { exitCode: 127 } },
      ];
      for (const { command, result } of ends) {
        expect((await runLane({ ...start, command })).result).toMatchObject(result);
      }
    },
  );
});

function livingWith(marker: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(join('/proc', pid, 'cmdline'), 'utf8').includes(marker);
      } catch {
        return false;
      }
    });
}
