// Where a fetch stands, from what git says, and how large it has become.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface Progress {
  phase: string;
  percent: number | undefined;
}

const line =
  /^(?:remote: )?(Enumerating|Counting|Compressing|Receiving|Resolving|Unpacking|Checking)[a-z ]*: +(?:(\d{1,3})%|\d)/;

/** Undefined for what is no progress. */
export function readProgress(text: string): Progress | undefined {
  const [, word, percent] = line.exec(text) ?? [];
  if (word === undefined) return undefined;
  return { phase: phases[word] ?? word, percent: percent === undefined ? undefined : Number(percent) };
}

const phases: Record<string, string> = {
  Enumerating: 'the remote looks for what is new',
  Counting: 'the remote looks for what is new',
  Compressing: 'the remote packs it',
  Receiving: 'receiving',
  Unpacking: 'receiving',
  Resolving: 'putting it together',
  Checking: 'checking it',
};

/** The bytes of the packs that git is writing into a repository at this moment. */
export async function incomingBytes(repo: string): Promise<number> {
  const folder = join(repo, 'objects', 'pack');
  const names = await readdir(folder).catch(() => []);
  const sizes = await Promise.all(
    names
      .filter((name) => name.startsWith('tmp_pack_'))
      .map((name) =>
        stat(join(folder, name)).then(
          ({ size }) => size,
          () => 0,
        ),
      ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
