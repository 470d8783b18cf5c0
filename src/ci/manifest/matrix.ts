// A lane with a matrix becomes one lane for each combination of its values. The values stand for
// `${matrix.name}` in every text of the lane, and in its environment as MATRIX_NAME.

export const placeholderPattern = /\$\{matrix\.([^{}]*)\}/g;

const maxKeyLength = 64;

interface Expandable {
  id: string;
  title?: string | undefined;
  env?: Record<string, string> | undefined;
  matrix?: Record<string, string[]> | undefined;
}

export interface Combination<Lane> {
  key: string;
  values: Record<string, string> | undefined;
  /** The lane with its values in it; its title says which they are. */
  lane: Lane;
}

export interface MatrixProblem {
  key: string;
  message: string;
}

/** How many lanes a matrix spells; asked before any of them is made. */
export const countCombinations = ({ matrix = {} }: Pick<Expandable, 'matrix'>): number =>
  Object.values(matrix).reduce((product, values) => product * values.length, 1);

/** One entry for each combination, in the order of the lists; a lane without a matrix is one. */
export function expandMatrix<Lane extends Expandable>(lane: Lane): Combination<Lane>[] | MatrixProblem {
  const unknown = unknownName(lane);
  if (unknown !== undefined) return unknown;
  const { matrix } = lane;
  if (matrix === undefined) return [{ key: lane.id, values: undefined, lane }];
  const combinations = combine(Object.entries(matrix)).map((values) => fill(lane, values));
  return keyProblem(lane.id, combinations) ?? combinations;
}

function combine(axes: [string, string[]][]): Record<string, string>[] {
  const [first, ...rest] = axes;
  if (first === undefined) return [{}];
  const [name, values] = first;
  const tails = combine(rest);
  return values.flatMap((value) => tails.map((tail) => ({ [name]: value, ...tail })));
}

function fill<Lane extends Expandable>(lane: Lane, values: Record<string, string>): Combination<Lane> {
  const { matrix: _, ...plain } = lane;
  const filled = replaceIn(plain, values) as Lane;
  const shown = Object.entries(values).map(([name, value]) => `${name} ${value}`);
  const hasOwnTitle = lane.title !== undefined && matchesPlaceholder(lane.title);
  const title = hasOwnTitle ? filled.title : `${lane.title ?? lane.id} (${shown.join(', ')})`;
  const variables = Object.entries(values).map(([name, value]) => [`MATRIX_${name.toUpperCase()}`, value]);
  return {
    key: [lane.id, ...Object.values(values).map(clean)].join('.'),
    values,
    lane: { ...filled, title, env: { ...(Object.fromEntries(variables) as object), ...filled.env } },
  };
}

const matchesPlaceholder = (value: string): boolean => value.search(placeholderPattern) >= 0;

const clean = (value: string): string => value.toLowerCase().replaceAll(/[^a-z0-9_.-]/g, '-');

function replaceIn(value: unknown, values: Record<string, string>): unknown {
  if (typeof value === 'string') {
    return value.replaceAll(placeholderPattern, (_, name: string) => values[name] ?? '');
  }
  if (Array.isArray(value)) return value.map((item) => replaceIn(item, values));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replaceIn(item, values)]));
}

/** A name that the matrix does not have; looked for in every text of the lane. */
function unknownName({ matrix, ...lane }: Expandable): MatrixProblem | undefined {
  const known = Object.keys(matrix ?? {});
  for (const [key, value] of Object.entries(lane)) {
    for (const [, name = ''] of JSON.stringify(value ?? null).matchAll(placeholderPattern)) {
      if (known.includes(name)) continue;
      const expected =
        known.length === 0 ? 'this lane has no matrix' : `expected one of: ${known.join(', ')}`;
      return { key, message: `${key} of "${lane.id}": there is no matrix value "${name}"; ${expected}` };
    }
  }
  return undefined;
}

function keyProblem(id: string, combinations: Combination<unknown>[]): MatrixProblem | undefined {
  const seen = new Set<string>();
  for (const { key } of combinations) {
    if (key.length > maxKeyLength) {
      const message = `matrix of "${id}": the lane "${key}" has a longer name than ${maxKeyLength} characters`;
      return { key: 'matrix', message };
    }
    if (seen.has(key)) {
      const message = `matrix of "${id}": two combinations are called "${key}"; expected values that differ in a-z, 0-9, _ . and -`;
      return { key: 'matrix', message };
    }
    seen.add(key);
  }
  return undefined;
}
