// Reads the project as a list of texts, which is all that the rules of the house look at.
import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Source {
  /** From the top of the project, with forward slashes. */
  path: string;
  text: string;
}

export const top = fileURLToPath(new URL('../..', import.meta.url));

/** Every file below the folders whose name ends in one of the endings. */
export function readSources(folders: readonly string[], endings: readonly string[]): Source[] {
  return folders.flatMap((folder) =>
    readdirSync(posix.join(top, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && endings.some((ending) => entry.name.endsWith(ending)))
      .map((entry) => posix.join(entry.parentPath, entry.name))
      .map((path) => ({ path: posix.relative(top, path), text: readFileSync(path, 'utf8') })),
  );
}

export interface Import {
  /** The importing file. */
  from: string;
  /** A file of the project, or the name of a package. */
  to: string;
  isPackage: boolean;
  /** `import type`: gone when the program runs. */
  typeOnly: boolean;
}

const statement =
  /^[ \t]*(import|export)[ \t]+(type[ \t]+)?(?:[\w*${}\s,]+?[ \t\n]+from[ \t]+)?['"]([^'"\n]+)['"]/gm;
const dynamic = /\bimport\(\s*['"]([^'"\n]+)['"]\s*\)/g;

export function importsOf({ path, text }: Source): Import[] {
  const found: Import[] = [];
  const add = (specifier: string, typeOnly: boolean): void => {
    const isPackage = !specifier.startsWith('.');
    const to = isPackage ? packageName(specifier) : posix.join(posix.dirname(path), specifier);
    found.push({ from: path, to, isPackage, typeOnly });
  };
  for (const match of text.matchAll(statement)) add(match[3] ?? '', match[2] !== undefined);
  for (const match of text.matchAll(dynamic)) add(match[1] ?? '', false);
  return found;
}

function packageName(specifier: string): string {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? specifier);
}
