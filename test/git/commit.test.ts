import { expect, test } from 'vitest';
import { maxCommitBytes, parseCommitObject, readCommit } from '../../src/git/commit.ts';
import { useForge } from '../support/forge.ts';
import { rawCommit } from '../support/raw-commit.ts';

const open = useForge();
const oid = 'a'.repeat(40);
const parse = (text: string | Buffer) => parseCommitObject(oid, Buffer.from(text));

test('people, times with their zones, parents and message', () => {
  const commit = parse(
    [
      'tree t',
      'parent p1',
      'parent p2',
      'author Ada Lovelace <ada@example.org> 1700000000 +0530',
      'committer  <> -5 -0000',
      'gpgsig -----BEGIN SSH SIGNATURE-----',
      ' parent not-one',
      ' -----END SSH SIGNATURE-----',
      'mergetag object x',
      ' type commit',
      '',
      '',
      'Two lines of',
      'subject  ',
      '  ',
      '  Body\r',
      '',
      'more',
      '',
    ].join('\n'),
  );
  expect(commit).toEqual({
    oid,
    tree: 't',
    parents: ['p1', 'p2'],
    author: { name: 'Ada Lovelace', email: 'ada@example.org', at: 1_700_000_000_000, zone: '+0530' },
    committer: { name: '', email: '', at: -5000, zone: '-0000' },
    signature: 'SSH',
    subject: 'Two lines of subject',
    body: '  Body\n\nmore',
  });
});

test('the kind of a signature is told, and none where there is none', () => {
  const signed = (text: string) => parse(`tree t\ngpgsig ${text}\n x\n\nHi\n`).signature;
  expect(signed('-----BEGIN PGP SIGNATURE-----')).toBe('OpenPGP');
  expect(signed('-----BEGIN SIGNED MESSAGE-----')).toBe('X.509');
  expect(parse('tree t\n\ngpgsig -----BEGIN PGP SIGNATURE-----\n').signature).toBeUndefined();
});

test('names and messages are read in the encoding that the commit names', () => {
  const latin = Buffer.from(
    'tree t\nauthor J\xfcrgen <j@x> 1 +0000\nencoding ISO-8859-1\n\nGr\xfc\xdfe\n',
    'latin1',
  );
  expect(parse(latin)).toMatchObject({ subject: 'Grüße', author: { name: 'Jürgen' } });
  expect(parse('tree t\nencoding nobody-knows\n\nGrüße\n').subject).toBe('Grüße');
  expect(parse(Buffer.from('tree t\n\n\xff\xfe broken\n', 'latin1')).subject).toBe('\ufffd\ufffd broken');
});

test('what is no commit, or a header alone, is no surprise', async () => {
  for (const text of ['', '\n', '\n\n', 'tree', 'author', 'author x\n\n', 'parent \n\n']) {
    expect(parse(text)).toMatchObject({ subject: '', author: { name: '', at: 0 } });
  }
  for (const piece of ['<', 'a<', '<>', ' ', '\n ', '\n\n ']) {
    parse(`author ${piece.repeat(500_000)}`);
    parse(`tree t\n\n${piece.repeat(500_000)}`);
  }
  const it = await open();
  it.account('ada');
  const repo = it.repoFolder(await it.repo('ada/app'));
  const { git } = it.forge;
  const huge = await rawCommit(git, { repo, files: { a: 'x\n' }, message: 'x'.repeat(maxCommitBytes) });
  const small = await rawCommit(git, { repo, files: { a: 'x\n' }, message: 'Small\n' });
  expect(await readCommit(git, repo, huge)).toBeUndefined();
  expect((await readCommit(git, repo, small))?.subject).toBe('Small');
  expect(await readCommit(git, repo, 'f'.repeat(40))).toBeUndefined();
  expect(await readCommit(git, repo, await git.text(['rev-parse', `${small}:a`], { repo }))).toBeUndefined();
});
