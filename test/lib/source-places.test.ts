import { describe, expect, test } from 'vitest';
import { placeOf, SourceTree, type PlaceQuestion } from '../../src/lib/source-places.ts';

const files = [
  'src/cart.ts',
  'test/cart.test.ts',
  'cart.py',
  'tests/test_cart.py',
  'packages/a/test/x.test.ts',
  'packages/b/test/x.test.ts',
  'app/src/test/java/org/example/CartTest.java',
  'cart_test.go',
  'with space/a b.py',
  't/cart.t',
];
const tree = new SourceTree(files, '/lane/work');

const place = (test: Partial<PlaceQuestion>, near = '') =>
  placeOf(
    tree,
    { file: undefined, line: undefined, suite: '', message: undefined, output: undefined, ...test },
    near,
  );

describe('the place of a failed test', () => {
  test.each<[string, Partial<PlaceQuestion>, string]>([
    [
      'a stack of Node',
      {
        output:
          'Error: x\n    at f (/lane/work/src/cart.ts:3:5)\n    at g (/lane/work/test/cart.test.ts:9:1)',
      },
      'src/cart.ts:3',
    ],
    ['a file as address', { output: 'at file:///lane/work/test/cart.test.ts:7:2' }, 'test/cart.test.ts:7'],
    [
      'the test itself before what it calls',
      { suite: 'test/cart.test.ts', output: ' ❯ total src/cart.ts:2:17\n ❯ test/cart.test.ts:14:5' },
      'test/cart.test.ts:14',
    ],
    [
      'a Python traceback, innermost last',
      {
        output:
          'Traceback (most recent call last):\n  File "/lane/work/tests/test_cart.py", line 8, in test\n  File "/lane/work/cart.py", line 2, in total',
      },
      'cart.py:2',
    ],
    [
      'a Python class',
      {
        suite: 'tests.test_cart.CartTest',
        output:
          'Traceback (most recent call last):\n  File "/lane/work/tests/test_cart.py", line 8, in test\n  File "/lane/work/cart.py", line 2, in total',
      },
      'tests/test_cart.py:8',
    ],
    [
      'pytest',
      {
        suite: 'tests.test_cart',
        output: '> total(None)\n\ntests/test_cart.py:13: \n_ _\ncart.py:2: TypeError',
      },
      'tests/test_cart.py:13',
    ],
    [
      'Java, by its class',
      { suite: 'org.example.CartTest', output: 'at org.example.CartTest.adds(CartTest.java:21)' },
      'app/src/test/java/org/example/CartTest.java:21',
    ],
    ['Go, by a mere name', { output: '    cart_test.go:12: got 4' }, 'cart_test.go:12'],
    ['Perl', { output: '  at t/cart.t line 12.' }, 't/cart.t:12'],
    ['C#', { output: '  in /lane/work/src/cart.ts:line 40' }, 'src/cart.ts:40'],
    [
      'a path with a space, quoted',
      { output: 'File "with space/a b.py", line 3, in x' },
      'with space/a b.py:3',
    ],
    ['another folder of the machine', { output: 'at /app/test/cart.test.ts:5:1' }, 'test/cart.test.ts:5'],
    [
      'what the runner says of the test alone',
      { file: 'tests/test_cart.py', line: 4 },
      'tests/test_cart.py:4',
    ],
  ])('is read from %s', (_what, question, expected) => {
    const found = place(question);
    expect(`${found?.file}:${found?.line}`).toBe(expected);
  });

  test('is looked for beside the report first, and not guessed', () => {
    const output = 'at test/x.test.ts:3:1';
    expect(place({ output }, 'packages/b/out')?.file).toBe('packages/b/test/x.test.ts');
    expect(place({ output })).toBeUndefined();
  });

  test.each([
    'at /lane/work/node_modules/pkg/src/cart.ts:3:5',
    'at /lane/work/../src/cart.ts:3:1',
    'at /usr/lib/node_modules/pkg/src/cart.ts:3:5',
    'at /etc/passwd:1:1',
    'at src/gone.ts:3:1',
    'https://example.org:8080/x',
    'at src/cart.ts:0',
  ])('is no file that the commit does not have: %s', (output) => {
    expect(place({ output })).toBeUndefined();
  });

  test('is found in a text of nothing but numbers without going over it again and again', () => {
    for (const piece of [':1', '"1, line 1', 'a.b:1', ' line 1', 'x'.repeat(400) + ':1']) {
      expect(place({ output: piece.repeat(50_000) })).toBeUndefined();
    }
  });
});
