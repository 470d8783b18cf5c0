// Whatever somebody types behind a repository is answered: with a page, or with what is wrong about it.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { useForge } from '../support/forge.ts';
import { stageFiles } from './stage-repo.ts';

const open = useForge();

const verbs = ['tree', 'blob', 'raw', 'archive', 'search', 'refs', 'commits', 'commit', 'blame', 'compare'];
const words = (text: string): string[] => text.split(/\s+/);
const parts = words(
  `main v1 refs heads tags HEAD dir a.txt b.ts main.zip v1.tar.gz .zip .. . %2e%2e %ff %00 %zz % a%0ab ... main...v1
   main..dir \xff\xfe -x --upload-pack=x @{u} main^ main~1 :a * [a] ^{} %E2%80%AE ${'x'.repeat(300)}`,
);
const queries = words(
  `? ?q=a ?q=%ff ?q=%00 ?regex=1&q=( ?in=names&q=x ?with=commits&part=entries ?with=x ?from=99999999 ?from=1e9
   ?view=source&part=lines ?q=a&q=b ?lfs=1 ?image=svg ?kind=tags ?[]=&__proto__=1 ?skip=3 ?parent=9 ?at=x`,
);

test('no address is met with an error of the forge', { timeout: 60_000 }, async () => {
  const { ask, text } = await stageFiles(await open(), {
    'a.txt': 'x\n',
    'dir/b.ts': 'const a = 1;\n',
    'dir/README.md': '# r\n',
  });
  await text('tag', '-a', '-m', 'x', 'v1', 'refs/heads/main');
  const oid = await text('rev-parse', 'refs/heads/main');
  const address = fc.record({
    prefix: fc.constantFrom('', '/api/v1/repos'),
    verb: fc.constantFrom(...verbs),
    path: fc.array(fc.constantFrom('', ...parts, oid, oid.slice(0, 7)), { maxLength: 4 }),
    query: fc.constantFrom(...queries),
    range: fc.constantFrom('', 'bytes=0-1', 'bytes=9-3', 'bytes=-1'),
  });
  await fc.assert(
    fc.asyncProperty(address, async ({ prefix, verb, path, query, range }) => {
      const asked = `${prefix}/ada/app/${[verb, ...path].join('/')}${query}`;
      const { status } = await ask(asked, range === '' ? {} : { range });
      expect(status, asked).toBeLessThan(500);
    }),
    { numRuns: 250 },
  );
});
