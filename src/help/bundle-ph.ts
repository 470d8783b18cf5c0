// Makes ph into one file that needs Node alone, for whoever has no checkout of the forge. It is made when somebody
// first asks, once while the forge runs, and knows the forge it came from.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { publicOrigin, type Forge } from '../forge/open.ts';
import { bundleProgram } from '../lib/bundle-program.ts';
import { ForgeError } from '../lib/errors.ts';

export interface Companion {
  /** The program: a shell starts it, Node runs it. */
  program: string;
  /** A shell script that carries the program and puts it into a folder. */
  installer: string;
}

/** How old a Node may be and still read the program far enough to say that it is too old. */
const readableBy = 'node18';
const endOfProgram = 'END_OF_PH';

/** Refuses (`unavailable`) where the program cannot be made; the next one who asks tries again. */
export function openCompanion(forge: Forge, version: string): () => Promise<Companion> {
  let made: Promise<Companion> | undefined;
  return () => {
    made ??= makeCompanion({ origin: publicOrigin(forge.config), version }).catch((error: unknown) => {
      made = undefined;
      throw new ForgeError(
        'unavailable',
        'This forge cannot make ph as one file. Use the one of its package: src/ph/ph in a checkout of pika-git.',
        { cause: error },
      );
    });
    return made;
  };
}

async function makeCompanion(known: { origin: string; version: string }): Promise<Companion> {
  const [head, frame, code] = await Promise.all([
    readBeside('program-head.sh'),
    readBeside('install.sh'),
    bundle(known),
  ]);
  const program = `${head}${code.trimEnd()}`;
  if (program.split('\n').includes(endOfProgram))
    throw new Error('The program contains the mark of its end.');
  const origin = new URL(known.origin).origin;
  const texts: Record<string, string> = { ORIGIN: origin, VERSION: known.version, PROGRAM: program };
  // A function, because `$` means something in a replacement that is a text.
  const installer = frame.replace(/@([A-Z]+)@/g, (_, name: string) => texts[name] ?? '');
  return { program: `${program}\n`, installer };
}

const readBeside = (name: string): Promise<string> => readFile(new URL(name, import.meta.url), 'utf8');

async function bundle({ origin, version }: { origin: string; version: string }): Promise<string> {
  return await bundleProgram({
    entry: fileURLToPath(new URL('../ph/main.ts', import.meta.url)),
    // It may lie in a folder whose package.json says how files are read, so it is neither module nor CommonJS.
    format: 'iife',
    target: readableBy,
    define: { PH_FORGE: JSON.stringify(origin), PH_VERSION: JSON.stringify(version) },
  });
}
