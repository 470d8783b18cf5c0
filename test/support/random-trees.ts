// Two trees of files with every kind of change that git can print, one beside the other: renames, modes, links,
// submodules, content that is no text, other line ends, no newline at the end, very long lines, bytes that are no UTF-8.
import fc from 'fast-check';
import type { Git } from '../../src/git/run.ts';

export interface TreeFile {
  mode: '100644' | '100755' | '120000' | '160000';
  content: Buffer;
}
export type Tree = Map<string, TreeFile>;

const words = [
  '',
  ' ',
  'a',
  'b',
  '}',
  '\tindented',
  '  indented',
  'diff --git a/x b/x',
  '@@ -1 +1 @@',
  '-- a',
  '++ b',
];
const line = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...words) },
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 400 }).map((value) => `line ${value}`) },
  {
    weight: 2,
    arbitrary: fc
      .string({ maxLength: 12, unit: 'grapheme' })
      .map((value) => value.replaceAll(/[\r\n\0]/g, '').toWellFormed()),
  },
  { weight: 1, arbitrary: fc.constantFrom('x'.repeat(4100), 'é'.repeat(3999), '\u202Eevil\u200B') },
);
const bytesOf = (lines: readonly string[], ending: { crlf: boolean; ends: boolean }): Buffer => {
  const end = ending.crlf ? '\r\n' : '\n';
  return Buffer.from(lines.join(end) + (ending.ends && lines.length > 0 ? end : ''));
};
const ending = fc.record({ crlf: fc.boolean(), ends: fc.boolean() });
const submodule = fc.stringMatching(/^[1-9a-f]{40}$/).map((oid) => Buffer.from(oid));

interface Change {
  kind: string;
  lines: string[];
  ending: { crlf: boolean; ends: boolean };
  places: number[];
  oid: Buffer;
}

const change: fc.Arbitrary<Change> = fc.record({
  kind: fc.constantFrom(
    'edit',
    'edit',
    'edit',
    'same',
    'spaces',
    'ending',
    'rename',
    'move and edit',
    'mode',
    'gone',
    'binary',
    'link',
    'submodule',
    'bad bytes',
    'empty',
  ),
  lines: fc.array(line, { maxLength: 4 }),
  ending,
  places: fc.array(fc.nat(79), { minLength: 1, maxLength: 4 }),
  oid: submodule,
});

const source = fc.record({ lines: fc.array(line, { maxLength: 80 }), ending, change });

/** Some files before and after; those that are added have no content in common with the rest. */
export const twoTrees: fc.Arbitrary<{ before: Tree; after: Tree }> = fc
  .tuple(fc.array(source, { minLength: 1, maxLength: 6 }), fc.array(source, { maxLength: 2 }))
  .map(([files, added]) => {
    const before: Tree = new Map();
    const after: Tree = new Map();
    for (const [index, { lines, ending: ends, change: made }] of files.entries()) {
      const path = `${index % 2 === 0 ? 'src/' : ''}file ${index}.${index % 3 === 0 ? 'ts' : 'txt'}`;
      const content = bytesOf(lines, ends);
      before.set(path, { mode: '100644', content });
      applyChange(after, { path, lines, content, ends, made });
    }
    for (const [index, { lines, ending: ends }] of added.entries())
      after.set(`new ${index}.py`, { mode: '100644', content: bytesOf(lines, ends) });
    return { before, after };
  });

interface Changed {
  path: string;
  lines: string[];
  content: Buffer;
  ends: { crlf: boolean; ends: boolean };
  made: Change;
}

function applyChange(after: Tree, { path, lines, content, ends, made }: Changed): void {
  const put = (name: string, file: Buffer, mode: TreeFile['mode'] = '100644') =>
    after.set(name, { mode, content: file });
  const edited = (): string[] => {
    const result = [...lines];
    for (const place of made.places) result.splice(place % (lines.length + 1), place % 3, ...made.lines);
    return result;
  };
  switch (made.kind) {
    case 'edit':
      return void put(path, bytesOf(edited(), ends));
    case 'spaces':
      return void put(
        path,
        bytesOf(
          lines.map((text, at) => (at % 7 === 3 ? `  ${text} ` : text)),
          ends,
        ),
      );
    case 'ending':
      return void put(path, bytesOf(lines, made.ending));
    case 'rename':
      return void put(`moved/${path}`, content);
    case 'move and edit':
      return void put(`moved/${path}`, bytesOf(edited(), ends), '100755');
    case 'mode':
      return void put(path, content, '100755');
    case 'gone':
      return;
    case 'binary':
      return void put(path, Buffer.concat([Buffer.from([0, 1, 2]), content]));
    case 'link':
      return void put(path, Buffer.from(`../${made.places[0]}`), '120000');
    case 'submodule':
      return void put(path, made.oid, '160000');
    case 'bad bytes':
      return void put(path, Buffer.concat([Buffer.from([0x61, 0xff, 0xfe, 0x0a]), content]));
    case 'empty':
      return void put(path, Buffer.alloc(0));
    default:
      return void put(path, content);
  }
}

/** A commit of exactly these files, on a branch of its own; answers its object id. */
export async function commitTree(git: Git, repo: string, { name, tree }: { name: string; tree: Tree }) {
  const who = 'Ada Example <ada@example.org> 1767225600 +0000';
  const parts: Uint8Array<ArrayBufferLike>[] = [
    Buffer.from(`commit refs/test/${name}\nmark :1\ncommitter ${who}\ndata 1\nx\ndeleteall\n`),
  ];
  for (const [path, { mode, content }] of tree) {
    const quoted = JSON.stringify(path);
    if (mode === '160000') parts.push(Buffer.from(`M ${mode} ${content.toString()} ${quoted}\n`));
    else {
      parts.push(
        Buffer.from(`M ${mode} inline ${quoted}\ndata ${content.length}\n`),
        content,
        Buffer.from('\n'),
      );
    }
  }
  parts.push(Buffer.from('\nget-mark :1\ndone\n'));
  const input = Buffer.concat(parts);
  return (await git.text(['fast-import', '--quiet', '--done', '--force'], { repo, input })).trim();
}
