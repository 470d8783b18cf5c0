// Patterns of branch names. Own code and not a general matcher: a pattern comes from a form, so it has few signs, no
// "everything but", and is matched in a time that grows with its length alone.

/**
 * Why `text` is no pattern of branches (without refs/heads/), or undefined when it is one: `*` stands for anything
 * in one part of a name, `**` for any number of parts, `?` for one character.
 */
export function patternProblem(text: string): string | undefined {
  if (text === '') return 'a pattern is not empty';
  if (text.length > 200) return 'a pattern has at most 200 characters';
  if (text.startsWith('refs/')) return 'leave out refs/heads/: a pattern is about names of branches';
  const sign = /[^0-9A-Za-z._+@*?/-]/.exec(text)?.[0];
  if (sign !== undefined) {
    return `a pattern has letters, digits, . _ + @ - / and the signs * ** ?, but not ${JSON.stringify(sign)}; write one pattern for each kind of name`;
  }
  if (!/[0-9A-Za-z]/.test(text)) {
    return 'a pattern has at least one letter or digit; this one would keep everybody from pushing anything';
  }
  if (text.split('/').some((part) => !/^[0-9A-Za-z*?]/.test(part) || part.endsWith('.lock'))) {
    return 'each part of a pattern starts with a letter, a digit, * or ?, as no branch is called otherwise';
  }
  return text.includes('***') ? 'a pattern has no three stars in a row' : undefined;
}

type Token = { kind: 'parts' | 'all' | 'part' | 'one' } | { kind: 'sign'; sign: string };

function tokensOf(pattern: string): Token[] {
  const pieces = pattern.match(/\*\*\/|\*\*|\*|\?|[^*?]/gs) ?? [];
  const kinds = { '**/': 'parts', '**': 'all', '*': 'part', '?': 'one' } as const;
  return pieces.map((piece) =>
    piece in kinds ? { kind: kinds[piece as keyof typeof kinds] } : { kind: 'sign', sign: piece },
  );
}

/** A test of names against one pattern. */
export function compilePattern(pattern: string): (name: string) => boolean {
  const tokens = tokensOf(pattern);
  return (name) => {
    // The places of the name up to which the tokens so far can reach; every token takes one walk over it.
    let reached = new Set([0]);
    for (const token of tokens) reached = advance(token, name, reached);
    return reached.has(name.length);
  };
}

function advance(token: Token, name: string, from: ReadonlySet<number>): Set<number> {
  const to = new Set<number>();
  let isOpen = false;
  for (let at = 0; at <= name.length; at += 1) {
    if (from.has(at)) {
      if (token.kind === 'parts' || token.kind === 'all' || token.kind === 'part') {
        isOpen = true;
        to.add(at);
      } else if (at < name.length && (token.kind === 'sign' ? name[at] === token.sign : name[at] !== '/')) {
        to.add(at + 1);
      }
    }
    if (!isOpen || at === name.length) continue;
    if (token.kind === 'part' && name[at] === '/') isOpen = false;
    else if (token.kind !== 'parts' || name[at] === '/') to.add(at + 1);
  }
  return to;
}
