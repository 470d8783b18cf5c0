import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Mask } from '../../src/ci/lanes/mask.ts';

function masked(secrets: readonly string[], chunks: readonly Buffer[]): string {
  const mask = new Mask(secrets);
  return [...chunks.map((chunk) => Buffer.from(mask.take(chunk))), mask.end()].map(String).join('');
}

const inPieces = (text: string, size: number): Buffer[] => {
  const bytes = Buffer.from(text);
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, place) =>
    bytes.subarray(place * size, (place + 1) * size),
  );
};

const secret = 'correct-horse-battery';

describe('a secret', () => {
  test.each([1, 2, 3, 7, 20, 21, 22, 1000])('is masked in chunks of %i bytes', (size) => {
    const text = `a ${secret} b ${secret}${secret} c`;
    expect(masked([secret], inPieces(text, size))).toBe('a *** b *** c'.replace('*** c', '****** c'));
  });

  test('is masked as base64, wherever it begins among the three bytes of a group', () => {
    for (const before of ['', 'u', 'us', 'user:']) {
      const text = Buffer.from(`${before}${secret}\n`).toString('base64');
      const shown = masked([secret], inPieces(text, 5));
      expect(shown).toContain('***');
      expect(shown.length).toBeLessThan(3 + 12);
    }
  });

  test('of several lines is masked line by line, and as wrapped base64', () => {
    const key = `-----BEGIN KEY-----\n${'Ab3+/xyz'.repeat(8)}\n${'Zq9+/opq'.repeat(8)}\nshort\n-----END KEY-----\n`;
    const wrapped = Buffer.from(key).toString('base64').replaceAll(/.{76}/g, '$&\n');
    const shown = masked([key], inPieces(`1 ${key.replaceAll('\n', '\r\n')} 2 ${wrapped} 3`, 11));
    expect(shown).not.toContain('Ab3+/xyz');
    expect(shown).not.toContain('BEGIN');
    expect(shown.replaceAll(/\*\*\*|\s/g, '')).toMatch(/^1short2[A-Za-z0-9+/=]{0,8}3$/);
  });

  test('of short lines is masked as base64 of all of them', () => {
    const short = 'one\ntwo\nsix\nten';
    const text = Buffer.from(short).toString('base64');
    expect(masked([short], inPieces(`1 ${text} 2`, 5))).toMatch(/^1 \*\*\*[A-Za-z0-9+/=]{0,3} 2$/);
  });

  test('is masked where it overlaps with another one, also over the border of chunks', () => {
    for (const size of [1, 4, 6, 100]) {
      const shown = masked(['abcdefgh', 'efghijkl'], inPieces('.abcdefghijkl.', size));
      expect(shown).toBe('.***.');
    }
  });

  test('is masked as JSON and URLs spell it', () => {
    const odd = 'p"a\\s s&w/rd';
    expect(masked([odd], [Buffer.from(JSON.stringify(odd))])).toBe('"***"');
    expect(masked([odd], [Buffer.from(encodeURIComponent(odd))])).toBe('***');
  });

  test('of less than six bytes is left alone', () => {
    expect(masked(['true', ''], [Buffer.from('true story')])).toBe('true story');
  });
});

test('what is no secret passes at once, but for what may be the beginning of one', () => {
  const mask = new Mask([secret]);
  expect(String(mask.take(Buffer.from('Continue? [y/n] ')))).toBe('Continue? [y/n] ');
  expect(String(mask.take(Buffer.from('say corr')))).toBe('say ');
  expect(String(mask.take(Buffer.from('ectly')))).toBe('correctly');
});

test('however the secrets and the chunks lie, no secret is left and nothing else is lost', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 6, maxLength: 9 });
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '.'), maxLength: 60 });
  fc.assert(
    fc.property(
      fc.array(letters, { minLength: 1, maxLength: 4 }),
      text,
      fc.integer({ min: 1, max: 9 }),
      (secrets, shown, size) => {
        const result = masked(secrets, inPieces(shown, size));
        for (const one of secrets) expect(result).not.toContain(one);
        expect(result).toBe(referenceMask(secrets, shown));
      },
    ),
    { numRuns: 500 },
  );
});

/** The same by looking at every place of the whole text. */
function referenceMask(secrets: readonly string[], text: string): string {
  const covered = Array.from(text, () => false);
  const starts = new Set<number>();
  for (const one of secrets) {
    for (let at = text.indexOf(one); at >= 0; at = text.indexOf(one, at + 1)) {
      starts.add(at);
      covered.fill(true, at, at + one.length);
    }
  }
  let shown = '';
  let reached = 0;
  for (const [at, isCovered] of covered.entries()) {
    if (!isCovered) shown += text[at];
    // A secret that begins where all before it have ended has a mark of its own.
    else if (starts.has(at) && at >= reached) shown += '***';
    if (starts.has(at)) {
      for (const one of secrets) if (text.startsWith(one, at)) reached = Math.max(reached, at + one.length);
    }
  }
  return shown;
}
