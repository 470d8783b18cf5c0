// Patterns of paths and ref names. Whoever pushes writes both the patterns and the paths they are held against, so
// no pattern becomes a regular expression: a match takes at most pattern × path steps, whatever stands in them.

const maxAlternatives = 32;
const maxLength = 1024;

/** One part of a path between slashes: literals, `?`, sets and `*`. `undefined` stands for `**`. */
type Segment = readonly Piece[] | undefined;
type Piece = '*' | ((character: string) => boolean);

/**
 * Whether a path matches the pattern: `*` is any text without a slash, `**` as a whole part is any number of parts,
 * `?` one character, `[a-z]` and `[!a-z]` one of a set, `{a,b}` one of some, and `\` takes the next character as it is.
 * Names that begin with a dot are like any other. Throws a `SyntaxError` with a sentence for a pattern that is none.
 */
export function compileGlob(pattern: string): (path: string) => boolean {
  if (pattern === '') throw new SyntaxError('a pattern has at least one character');
  if (pattern.length > maxLength) throw new SyntaxError(`a pattern has at most ${maxLength} characters`);
  const alternatives = expandBraces(pattern).map(parseSegments);
  return (path) => {
    const parts = path.split('/');
    return alternatives.some((segments) => matchSegments(segments, parts));
  };
}

/** `a{b,c{d,e}}` → `ab`, `acd`, `ace`. */
function expandBraces(pattern: string): string[] {
  const open = findBrace(pattern);
  if (open === undefined) return [pattern];
  const { start, end, choices } = open;
  const tails = expandBraces(pattern.slice(end + 1));
  const heads = choices.flatMap((choice) => expandBraces(choice));
  if (heads.length * tails.length > maxAlternatives) {
    throw new SyntaxError(`the braces of a pattern spell at most ${maxAlternatives} alternatives`);
  }
  const before = pattern.slice(0, start);
  return heads.flatMap((head) => tails.map((tail) => before + head + tail));
}

interface Brace {
  start: number;
  end: number;
  choices: string[];
}

/** The first brace, which must be closed; its choices are cut at the commas that stand in no inner one. */
function findBrace(pattern: string): Brace | undefined {
  let depth = 0;
  let start = -1;
  let from = 0;
  const choices: string[] = [];
  for (let at = 0; at < pattern.length; at += 1) {
    const character = pattern[at];
    if (character === '\\') at += 1;
    else if (character === '[') at = endOfSet(pattern, at);
    else if (character === '{') {
      depth += 1;
      if (depth === 1) [start, from] = [at, at + 1];
    } else if (depth > 0 && (character === ',' || character === '}')) {
      if (depth === 1) {
        choices.push(pattern.slice(from, at));
        from = at + 1;
        if (character === '}') return { start, end: at, choices };
      }
      if (character === '}') depth -= 1;
    }
  }
  if (depth > 0) throw new SyntaxError('a { of the pattern is not closed by a }');
  return undefined;
}

function endOfSet(pattern: string, open: number): number {
  // A ] that stands first is one of the set.
  const first = pattern[open + 1] === '!' || pattern[open + 1] === '^' ? open + 2 : open + 1;
  const close = pattern.indexOf(']', first + 1);
  if (close < 0) throw new SyntaxError('a [ of the pattern is not closed by a ]');
  return close;
}

function parseSegments(pattern: string): Segment[] {
  const segments: Segment[] = [];
  let pieces: Piece[] = [];
  let start = 0;
  for (let at = 0; at <= pattern.length; at += 1) {
    const character = pattern[at];
    if (character === undefined || character === '/') {
      segments.push(pattern.slice(start, at) === '**' ? undefined : pieces);
      pieces = [];
      start = at + 1;
    } else if (character === '\\' && at + 1 < pattern.length) {
      at += 1;
      pieces.push(literal(pattern[at] ?? ''));
    } else if (character === '[') {
      const end = endOfSet(pattern, at);
      pieces.push(setOf(pattern.slice(at + 1, end)));
      at = end;
    } else if (character === '*') {
      if (pieces.at(-1) !== '*') pieces.push('*');
    } else pieces.push(character === '?' ? () => true : literal(character));
  }
  return segments;
}

const literal =
  (wanted: string): Piece =>
  (character) =>
    character === wanted;

function setOf(text: string): Piece {
  const isNegated = text.startsWith('!') || text.startsWith('^');
  const members = isNegated ? text.slice(1) : text;
  const ranges: [string, string][] = [];
  for (let at = 0; at < members.length; at += 1) {
    const from = members[at] ?? '';
    const to = members[at + 1] === '-' ? members[at + 2] : undefined;
    ranges.push([from, to ?? from]);
    if (to !== undefined) at += 2;
  }
  return (character) => ranges.some(([from, to]) => from <= character && character <= to) !== isNegated;
}

/** Both walks below go back only to the last star: what an earlier one could take, the last one can take too. */
function matchSegments(segments: readonly Segment[], parts: readonly string[]): boolean {
  return walk(segments.length, parts.length, {
    isStar: (at) => segments[at] === undefined,
    fits: (at, place) => matchPieces(segments[at] ?? [], parts[place] ?? ''),
  });
}

function matchPieces(pieces: readonly Piece[], text: string): boolean {
  return walk(pieces.length, text.length, {
    isStar: (at) => pieces[at] === '*',
    fits: (at, place) => {
      const piece = pieces[at];
      return typeof piece === 'function' && piece(text[place] ?? '');
    },
  });
}

interface Wildcards {
  isStar: (at: number) => boolean;
  fits: (at: number, place: number) => boolean;
}

function walk(patternLength: number, textLength: number, { isStar, fits }: Wildcards): boolean {
  let at = 0;
  let place = 0;
  let star = -1;
  let taken = 0;
  while (place < textLength) {
    if (at < patternLength && isStar(at)) {
      star = at;
      taken = place;
      at += 1;
    } else if (at < patternLength && fits(at, place)) {
      at += 1;
      place += 1;
    } else if (star >= 0) {
      taken += 1;
      at = star + 1;
      place = taken;
    } else return false;
  }
  while (at < patternLength && isStar(at)) at += 1;
  return at === patternLength;
}
