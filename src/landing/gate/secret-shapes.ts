// The shapes of secrets that nobody means to publish: private keys, and tokens whose issuers gave them a shape to be
// found by. A text is searched for the fixed start of each shape, and only what follows it is looked at closely, so that
// a search takes time in proportion to the text, whatever stands in it.
import { createHash } from 'node:crypto';

interface Shape {
  what: string;
  /** The fixed text it begins with, or that stands near its beginning. */
  start: string;
  pattern: RegExp;
}

const token = (what: string, start: string, rest: string): Shape => ({
  what,
  start,
  pattern: new RegExp(`^${start}(${rest})`),
});

const shapes: readonly Shape[] = [
  {
    what: 'a private key',
    start: '-----BEGIN ',
    pattern: /^-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----[^]{0,300}?([A-Za-z0-9+/]{40})/,
  },
  { what: 'a secret key of age', start: 'AGE-SECRET-KEY-1', pattern: /^AGE-SECRET-KEY-1([0-9A-Z]{58})/ },
  token('a secret key of Nostr', 'nsec1', '[02-9ac-hj-np-z]{58}'),
  token('a token of this forge', 'pika_', '[\\w-]{43}'),
  token('an access key of AWS', 'AKIA', '[A-Z2-7]{16}(?![A-Z0-9])'),
  token('an access key of AWS', 'ASIA', '[A-Z2-7]{16}(?![A-Z0-9])'),
  token('a token of GitHub', 'ghp_', '[A-Za-z0-9]{36}'),
  token('a token of GitHub', 'gho_', '[A-Za-z0-9]{36}'),
  token('a token of GitHub', 'ghu_', '[A-Za-z0-9]{36}'),
  token('a token of GitHub', 'ghs_', '[A-Za-z0-9]{36}'),
  token('a token of GitHub', 'ghr_', '[A-Za-z0-9]{36}'),
  token('a token of GitHub', 'github_pat_', '\\w{60}'),
  token('a token of GitLab', 'glpat-', '[\\w-]{20}'),
  token('a token of Slack', 'xox', '[abeprs]-[\\w-]{24}'),
  token('a secret key of Stripe', 'sk_live_', '[A-Za-z0-9]{24}'),
  token('a secret key of Stripe', 'rk_live_', '[A-Za-z0-9]{24}'),
  token('a key of Google', 'AIza', '[\\w-]{35}'),
  token('a token of npm', 'npm_', '[A-Za-z0-9]{36}'),
  token('a token of PyPI', 'pypi-', '[\\w-]{80}'),
  token('a key of Anthropic', 'sk-ant-', '[\\w-]{80}'),
  token('a key of OpenAI', 'sk-proj-', '[\\w-]{60}'),
];

const closeLookBytes = 512;
/** Texts with more starts than this are no texts that people write; the rest of them is not looked at. */
const maxStarts = 2000;
// Words such as EXAMPLE and xxxx stand in for a secret.
const leastDifferent = 8;

export interface FoundSecret {
  what: string;
  /** From 1. */
  line: number;
  /** The same for the same secret, and tells nothing of it. */
  digest: string;
}

/** What looks like a secret in a text, each secret once; `isWhole` is false when the text was not searched to its end. */
export function findSecrets(text: Buffer): { found: FoundSecret[]; isWhole: boolean } {
  const found = new Map<string, FoundSecret>();
  let starts = 0;
  for (const { what, start, pattern } of shapes) {
    for (let at = text.indexOf(start); at >= 0; at = text.indexOf(start, at + 1)) {
      starts += 1;
      if (starts > maxStarts) return { found: [...found.values()], isWhole: false };
      if (isWordBefore(text, at, start)) continue;
      const match = pattern.exec(text.toString('latin1', at, at + closeLookBytes));
      const secret = match?.[1];
      if (secret === undefined || isPlaceholder(secret)) continue;
      const digest = createHash('sha256').update(secret).digest('hex');
      if (!found.has(digest)) found.set(digest, { what, line: lineAt(text, at), digest });
    }
  }
  return { found: [...found.values()], isWhole: true };
}

/** A token begins where no word goes on, so that a longer text of letters holds none. */
function isWordBefore(text: Buffer, at: number, start: string): boolean {
  if (at === 0 || start.startsWith('-')) return false;
  return /\w/.test(String.fromCharCode(text[at - 1] ?? 0));
}

const isPlaceholder = (secret: string): boolean =>
  /EXAMPLE/i.test(secret) || new Set(secret).size < leastDifferent;

function lineAt(text: Buffer, at: number): number {
  let line = 1;
  for (
    let newline = text.indexOf(10);
    newline >= 0 && newline < at;
    newline = text.indexOf(10, newline + 1)
  ) {
    line += 1;
  }
  return line;
}
