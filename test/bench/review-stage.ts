// A forge with three branches to review: one changes 30 files, one 1,000 and one 20,000, two places in each.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { GitClient } from '../support/git-client.ts';
import { outputOf } from '../support/run-program.ts';
import { disposeServed, startForge, type ServedForge } from '../support/serve.ts';
import { plainEnvironment } from './made-repo.ts';

const files = 20_000;
const linesPerFile = 60;
export const sizes = { '30 files': 30, '1,000 files': 1000, '20,000 files': files } as const;
export type Size = keyof typeof sizes;

export interface ReviewStage {
  served: ServedForge;
  ada: GitClient;
  /** For requests of somebody who may write. */
  headers: Record<string, string>;
  /** `/demo/review/branches/2` */
  paths: Record<Size, string>;
  dispose: () => Promise<void>;
}

/** The caller disposes it. The tutorials of all three are written. */
export async function openReviewStage(): Promise<ReviewStage> {
  const served = await startForge();
  try {
    const ada = await served.person('ada', 'admin');
    await served.operate('repo', 'create', 'demo/review');
    const token = await served.token('ada');
    const folder = join(served.folder, 'made.git');
    await makeBranches(folder);
    const url = `http://ada:${token}@${new URL(served.http).host}/demo/review.git`;
    const env = plainEnvironment(served.folder);
    const push = (...refs: string[]): Promise<string> =>
      outputOf(['git', '--git-dir', folder, 'push', '--quiet', url, ...refs], {
        cwd: '/',
        env,
        timeoutMs: 300_000,
      });
    await push('main');
    for (const name of Object.values(sizes)) await push(`size-${name}`);
    const headers = { authorization: `Bearer ${token}` };
    await tutorialsOf(served, headers);
    const paths = Object.fromEntries(
      Object.keys(sizes).map((size, at) => [size, `/demo/review/branches/${at + 1}`]),
    ) as Record<Size, string>;
    return { served, ada, headers, paths, dispose: () => disposeServed(served) };
  } catch (error) {
    await disposeServed(served);
    throw error;
  }
}

async function tutorialsOf({ http }: ServedForge, headers: Record<string, string>): Promise<void> {
  for (const at of Object.keys(sizes).keys()) {
    const address = `${http}/api/v1/repos/demo/review/branches/${at + 1}/tutorial`;
    for (let left = 300; ; left -= 1) {
      const { state } = (await (await fetch(address, { headers })).json()) as { state: string };
      if (state === 'ready') break;
      if (left === 0) throw new Error(`The tutorial of branch ${at + 1} is still ${state}.`);
      await pause(200);
    }
  }
}

async function makeBranches(folder: string): Promise<void> {
  const env = plainEnvironment(folder);
  await outputOf(['git', 'init', '--quiet', '--bare', '--initial-branch=main', folder], { cwd: '/', env });
  const child = spawn('git', ['--git-dir', folder, 'fast-import', '--quiet'], {
    env,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  for (const part of history()) if (!child.stdin.write(part)) await once(child.stdin, 'drain');
  child.stdin.end();
  const [status] = (await once(child, 'close')) as [number];
  if (status !== 0) throw new Error(`git fast-import ended with ${status}.`);
}

function* history(): Generator<string> {
  yield* commit('main', 'Begin', { count: files, isChanged: false });
  for (const count of Object.values(sizes)) {
    yield* commit(`size-${count}`, `Change ${count} files`, { count, isChanged: true });
  }
}

function* commit(
  branch: string,
  message: string,
  { count, isChanged }: { count: number; isChanged: boolean },
): Generator<string> {
  const who = `committer Ada Example <ada@example.org> 1700000000 +0000`;
  const head = [`commit refs/heads/${branch}`, who, ...data(message)];
  if (branch !== 'main') head.push('from refs/heads/main');
  yield `${head.join('\n')}\n`;
  for (let file = 0; file < count; file += 1) {
    const path = `src/room-${file % 40}/shelf-${file % 7}/file-${file}.ts`;
    yield `${[`M 100644 inline ${path}`, ...data(textOf(file, isChanged))].join('\n')}\n`;
  }
}

/** Functions as people write them; a change is one line edited and, further down, two lines more. */
function textOf(file: number, isChanged: boolean): string {
  const lines = Array.from({ length: linesPerFile }, (_unused, line) =>
    line % 6 === 0
      ? `export function part${line}(value: number, name = 'file ${file}'): string {`
      : line % 6 === 5
        ? '}'
        : `  const step${line} = \`\${name}: \${value * ${line + file}}\`; // what line ${line} is for`,
  );
  if (isChanged) {
    lines[9] = `  const changed = value > ${file} ? name.trim() : String(value); // the other way`;
    lines.splice(44, 0, '  // Told to whoever asks.', `  console.log('part of', ${file}, name);`);
  }
  return `${lines.join('\n')}\n`;
}

const data = (text: string): string[] => [`data ${Buffer.byteLength(text)}`, text];
