import { array, assert, property, string } from 'fast-check';
import { expect, test } from 'vitest';
import { Ends } from '../../src/ph/mcp/ends.ts';

test('a long text keeps its beginning and its end, in whatever pieces it comes, and says what is missing', () => {
  assert(
    property(array(string({ maxLength: 30 }), { maxLength: 30 }), (pieces) => {
      const ends = new Ends(10, 20);
      for (const piece of pieces) ends.add(piece);
      const whole = pieces.join('');
      const dropped = Math.max(0, whole.length - 30);
      const middle = `\n… ${dropped} characters are left out here …\n`;
      const expected = dropped === 0 ? whole : `${whole.slice(0, 10)}${middle}${whole.slice(-20)}`;
      expect(ends.text()).toBe(expected);
    }),
    { numRuns: 200 },
  );
});
