import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Spawner, type RunningGit } from '../../src/git/spawner.ts';
import { useForge } from '../support/forge.ts';

const open = useForge();

async function openSpawner() {
  const { folder, defer } = await open();
  const environment = { PATH: process.env['PATH'] ?? '', HOME: folder };
  let losses = 0;
  const lost = Promise.withResolvers<void>();
  const onLost = () => {
    losses += 1;
    lost.resolve();
  };
  const spawner = await Spawner.open(join(folder, 'spawner.sock'), { environment, onLost });
  defer(() => spawner.close());
  const order = (program: string, ...args: string[]) => ({
    program,
    args,
    cwd: folder,
    env: environment,
    detached: true,
  });
  /** The connections are made in a moment; until then nothing can be started through them. */
  const start = async (program: string, args: string[] = [], pipes = 3): Promise<RunningGit> => {
    for (;;) {
      const child = spawner.spawn(order(program, ...args), pipes);
      if (child !== undefined) return child;
      await new Promise(setImmediate);
    }
  };
  return { spawner, start, lost: lost.promise, losses: () => losses };
}

async function outputOf(child: RunningGit): Promise<{ stdout: string; stderr: string; code: number | null }> {
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.on('close', resolve);
  child.on('error', reject);
  return { code: await promise, stdout, stderr };
}

describe('programs are started by another process', () => {
  test('with their input, both outputs and their exit status', async () => {
    const { start } = await openSpawner();
    const child = await start('sh', ['-c', 'cat; echo wrong >&2; exit 3']);
    child.stdin.end('spoken');
    expect(await outputOf(child)).toEqual({ stdout: 'spoken', stderr: 'wrong\n', code: 3 });
  });

  test('with many megabytes in both directions', async () => {
    const { start } = await openSpawner();
    const child = await start('cat');
    child.stdin.end('x'.repeat(20_000_000));
    expect((await outputOf(child)).stdout).toHaveLength(20_000_000);
  });

  test('with pipes beside the standard streams that block, as a shell expects of them', async () => {
    const { start } = await openSpawner();
    const child = await start('sh', ['-c', 'echo question >&3; read -r answer <&4; echo "got $answer"'], 5);
    const [, , , questions, replies] = child.stdio;
    const [asked] = (await once(questions as NodeJS.ReadableStream, 'data')) as [Buffer];
    expect(asked.toString()).toBe('question\n');
    (replies as NodeJS.WritableStream).write('answer\n');
    expect((await outputOf(child)).stdout).toBe('got answer\n');
  });

  test('many at once, each with its own streams', async () => {
    const { start } = await openSpawner();
    const said = await Promise.all(
      Array.from({ length: 100 }, async (_unused, turn) => {
        const child = await start('sh', ['-c', 'read -r line; echo "$line"']);
        child.stdin.end(`${turn}\n`);
        return (await outputOf(child)).stdout;
      }),
    );
    expect(said).toEqual(Array.from({ length: 100 }, (_unused, turn) => `${turn}\n`));
  });

  test('and one that cannot be started is an error', async () => {
    const { start } = await openSpawner();
    await expect(outputOf(await start('no-such-program'))).rejects.toThrow(/ENOENT/);
    expect((await outputOf(await start('true'))).code).toBe(0);
  });

  test('and a signal reaches one even before it is known to run', async () => {
    const { start } = await openSpawner();
    const child = await start('sleep', ['60']);
    child.kill('SIGKILL');
    expect((await outputOf(child)).code).toBe(null);
    expect(child.signalCode).toBe('SIGKILL');
  });

  test('and when that process is killed, what it started ends and its loss is told once', async () => {
    const { start, spawner, lost, losses } = await openSpawner();
    const child = await start('sleep', ['60']);
    await new Promise<void>((resolve) => child.on('spawn', resolve));
    const ended = outputOf(child);
    process.kill(spawner.processId ?? 0, 'SIGKILL');
    await lost;
    expect((await ended).code).toBe(null);
    expect(losses()).toBe(1);
    expect(spawner.spawn({ program: 'true', args: [], cwd: '/', env: {}, detached: false }, 3)).toBe(
      undefined,
    );
  });
});
