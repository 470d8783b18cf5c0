// The program that runs lanes on nodes, made into one file when somebody first asks, once while the forge runs.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleProgram } from '../../lib/bundle-program.ts';
import { ForgeError } from '../../lib/errors.ts';

export interface AgentProgram {
  /** A module that exports `runAgent`, and runs it when Node is started with it. */
  code: string;
  sha256: string;
}

/** What Debian has; younger ones read it too. */
const readableBy = 'node20';
// A place that cannot be: files that lie beside sources of the forge, such as hooks, are not beside the program, and
// nobody on a node may put some there.
const nowhere = 'file:///dev/null/agent/program/agent.mjs';

let made: Promise<AgentProgram> | undefined;

/** Refuses (`unavailable`) where the program cannot be made; the next one who asks tries again. */
export function agentProgram(): Promise<AgentProgram> {
  made ??= makeProgram().catch((error: unknown) => {
    made = undefined;
    throw new ForgeError(
      'unavailable',
      'This forge cannot make the program for its nodes; its log says why.',
      {
        cause: error,
      },
    );
  });
  return made;
}

async function makeProgram(): Promise<AgentProgram> {
  const beside = (name: string) => fileURLToPath(new URL(`./program/${name}`, import.meta.url));
  const subreaper = await readFile(new URL('../lanes/subreaper.pl', import.meta.url), 'utf8');
  const code = await bundleProgram({
    entry: beside('main.ts'),
    format: 'esm',
    target: readableBy,
    define: { 'import.meta.url': JSON.stringify(nowhere), SUBREAPER: JSON.stringify(subreaper) },
    inject: [beside('older-node.ts')],
    alias: { 'node:module': beside('no-compile-cache.ts') },
  });
  return { code, sha256: createHash('sha256').update(code).digest('hex') };
}
