// One lane as `ph run` runs it: its limits, its outputs, and its end for certain.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { canCutNetwork, runLane, type LaneOrder } from '../../src/ph/run-lane.ts';
import { isGone } from './gone.ts';

vi.setConfig({ testTimeout: 300_000 });

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pika-run-lane-'));
  folders.push(folder);
  return folder;
}

describe('one lane', () => {
  async function start(command: string, limits: Partial<LaneOrder> = {}) {
    const output = new PassThrough();
    const shown = text(output);
    const end = await runLane({
      command,
      env: { PATH: process.env['PATH'] ?? '' },
      folder: scratch(),
      timeoutSeconds: 600,
      idleSeconds: 600,
      graceSeconds: 600,
      network: true,
      output,
      interrupted: new AbortController().signal,
      hurried: new AbortController().signal,
      ...limits,
    });
    output.end();
    return { end, shown: await shown };
  }

  test('is ended when it takes too long, or is silent for too long', async () => {
    const timeout = await start('while :; do echo on; sleep 0.1; done', { timeoutSeconds: 1 });
    expect(timeout.end).toMatchObject({
      state: 'failed',
      failureKind: 'timeout',
      message: 'took longer than 1 s',
    });
    const idle = await start('echo once; sleep 1000', { idleSeconds: 1 });
    expect(idle).toMatchObject({
      end: { state: 'failed', failureKind: 'idle_timeout', message: 'printed nothing for 1 s' },
      shown: 'once\n',
    });
  });

  test('that was asked to end and does not is killed after its grace, or when somebody does not wait', async () => {
    const deaf = `trap 'echo asked' TERM; echo on; while :; do sleep 1000 & wait || true; done`;
    const graced = await start(deaf, { idleSeconds: 1, graceSeconds: 1 });
    expect(graced.end).toMatchObject({ state: 'failed', failureKind: 'idle_timeout' });
    const [interruption, hurry] = [new AbortController(), new AbortController()];
    const output = new PassThrough();
    const chunks: string[] = [];
    output.setEncoding('utf8').on('data', (chunk: string) => {
      chunks.push(chunk);
      if (chunks.join('').includes('asked')) hurry.abort();
      else interruption.abort();
    });
    const signals = { interrupted: interruption.signal, hurried: hurry.signal };
    const { end } = await start(deaf, { ...signals, output });
    expect(end).toMatchObject({ state: 'cancelled', message: 'interrupted' });
    expect(chunks.join('')).toBe('on\nasked\n');
  });

  test('ends with what it left in the background, in its group or out of it, which need not be waited for', async () => {
    const { end, shown } = await start(
      `sleep 1000 & echo $!
       setsid sh -c 'echo $$; touch up; exec sleep 1000' & while [ ! -e up ]; do sleep 0.05; done`,
    );
    expect(end).toEqual({ state: 'success', exitCode: 0, failureKind: null, message: null });
    const pids = shown.trim().split('\n').map(Number);
    expect(pids).toHaveLength(2);
    for (const pid of pids) await isGone(pid);
  });

  test('keeps the order of both outputs, to the last byte', async () => {
    const { shown } = await start('i=0; while [ $i -lt 2000 ]; do echo $i; echo $i >&2; i=$((i+1)); done');
    expect(shown).toBe(Array.from({ length: 2000 }, (_, at) => `${at}\n${at}\n`).join(''));
  });

  test('whose program is not there fails with 127, as on the forge', async () => {
    expect((await start('exec no-such-program')).end).toMatchObject({ state: 'failed', exitCode: 127 });
  });

  test.skipIf(!canCutNetwork())('without network has nothing but a loopback of its own', async () => {
    const { end, shown } = await start('cat /proc/net/dev', { network: false });
    expect(end.state).toBe('success');
    expect(shown.match(/^ *\w+:/gm)?.map((name) => name.trim())).toEqual(['lo:']);
  });
});
