// Where a fetch stands, from what git says.

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
