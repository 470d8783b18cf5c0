import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parsePointer } from '../../src/lfs/model.ts';

const oid = 'a'.repeat(64);
const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize 12345\n`;

test('a pointer names its object', () => {
  expect(parsePointer(pointer)).toEqual({ oid, size: 12_345 });
});

test('a pointer of the first version of the program, and one with extensions, are pointers too', () => {
  expect(parsePointer(pointer.replace('git-lfs.github', 'hawser.github'))).toEqual({ oid, size: 12_345 });
  const extended = pointer.replace('oid', `ext-0-foo sha256:${'b'.repeat(64)}\noid`);
  expect(parsePointer(extended)).toEqual({ oid, size: 12_345 });
});

test.each([
  ['an empty file', ''],
  ['another version', pointer.replace('/v1', '/v9')],
  ['a text that begins like one', 'version 3 of the report\n'],
  ['no size', pointer.replace(/size.*\n/, '')],
  ['a size that is no number', pointer.replace('12345', '12e9')],
  ['a negative size', pointer.replace('12345', '-1')],
  ['a short hash', pointer.replace(oid, 'abc')],
  ['a hash in capitals', pointer.replace(oid, 'A'.repeat(64))],
  ['another hash', pointer.replace('sha256', 'md5')],
  ['prose behind it', `${pointer}\nAnd then it rained.\n`],
  ['a kilobyte of it', `${pointer}x ${'y'.repeat(1024)}\n`],
])('%s is no pointer', (_what, text) => {
  expect(parsePointer(text)).toBeUndefined();
});

test('no text makes it throw', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      parsePointer(text);
      parsePointer(`version https://git-lfs.github.com/spec/v1\n${text}`);
    }),
  );
});
