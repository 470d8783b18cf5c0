// The page of one file: what each kind of content looks like, and that nothing in it is ever taken for markup.
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { contentOf } from '../../src/browse/blob.ts';
import { useForge } from '../support/forge.ts';
import { stageFiles } from './stage-repo.ts';

const open = useForge();
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

test('a text has colours, lines to link to, and is never markup', async () => {
  const code = 'const a = "<script>alert(1)</script>"; // \u202E evil\n\n&amp;\r\nlast';
  const { ask } = await stageFiles(await open(), { 'a.ts': code });
  const { text } = await ask('/ada/app/blob/main/a.ts');
  expect(text).toContain('<tr id="L1"><td class="line-number"><a href="#L1">1</a></td>');
  const lines = (await ask('/ada/app/blob/main/a.ts?part=lines')).text;
  expect(lines).toContain('<span class="hljs-keyword">const</span>');
  expect(lines).not.toContain('<html');
  expect(text).toContain('&lt;script&gt;');
  expect(text).not.toContain('<script>alert');
  expect(text).toContain('⟨U+202E⟩');
  expect(text).toContain('&amp;amp;');
  expect(text).toContain('id="L4"');
  expect(text).not.toContain('id="L5"');
  expect(text).toContain('4 lines');
});

test('a page does not wait for the colours of a long file, and its next answer has them', async () => {
  const { ask } = await stageFiles(await open(), {
    'long.ts': 'export const a = `x${1 + 2}` + 3; // yes\n'.repeat(2000),
  });
  const path = '/ada/app/blob/main/long.ts';
  const first = await ask(path);
  expect(first.text).toContain('data-fill="/ada/app/blob/main/long.ts?view=source&amp;part=lines"');
  expect(first.text).toContain('id="L2000"');
  expect(first.text).not.toContain('hljs-keyword');
  expect((await ask(`${path}?view=source&part=lines`)).text).toContain('hljs-keyword');
  const second = await ask(path, { 'if-none-match': String(first.headers['etag']) });
  expect(second.status).toBe(200);
  expect(second.text).toContain('hljs-keyword');
  expect(second.text).not.toContain('data-fill');
});

test('each content is told for what it is', async () => {
  const { ask, commitTree, write, it } = await stageFiles(await open(), { 'a.txt': 'a\n' });
  it.forge.config.limits.maxShownFileBytes = 3000;
  const named: Record<string, string | Buffer> = {
    bin: Buffer.from([1, 0, 2]),
    empty: '',
    huge: 'x'.repeat(3001),
    'huge.png': Buffer.concat([png, Buffer.alloc(4000)]),
    latin: Buffer.from('Gr\xfc\xdfe <b>\n', 'latin1'),
    'not.png': '<script>alert(1)</script>\n',
    'picture.txt': png,
    'vector.svg': '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>\n',
    wide: Buffer.from('\uFEFFwide <b>\n', 'utf16le'),
  };
  const entries = await Promise.all(
    Object.entries(named).map(async ([name, content]) => ({
      mode: '100644',
      name,
      oid: await write(content),
    })),
  );
  await commitTree('all', entries);
  const page = async (name: string) => (await ask(`/ada/app/blob/all/${name}`)).text;
  expect(await page('bin')).toContain('A binary file');
  expect(await page('empty')).toContain('This file is empty');
  expect(await page('huge')).toContain('Too large to show');
  expect(await page('huge.png')).toContain('<img src="/ada/app/raw/all/huge.png"');
  expect(await page('latin')).toMatch(/shown as Latin-1[\s\S]*Grüße &lt;b&gt;/);
  expect(await page('not.png')).toMatch(/id="L1"[\s\S]*&lt;script&gt;/);
  expect(await page('not.png')).not.toContain('<img');
  expect(await page('picture.txt')).toContain('<img src="/ada/app/raw/all/picture.txt"');
  expect(await page('vector.svg')).toMatch(
    /<img src="\/ada\/app\/raw\/all\/vector\.svg\?image=svg"[\s\S]*&lt;/,
  );
  expect(await page('wide')).toMatch(/shown as UTF-16[\s\S]*wide &lt;b&gt;/);
});

test('long lines and many lines are cut, and the page says so', async () => {
  const { ask } = await stageFiles(await open(), {
    'wide.js': `${'a'.repeat(9000)}\nshort\n`,
    'tall.txt': 'line\n'.repeat(20_001),
  });
  const wide = (await ask('/ada/app/blob/main/wide.js')).text;
  expect(wide).toContain('… 4000 more characters');
  expect(wide).toContain('1 line is very long');
  const tall = (await ask('/ada/app/blob/main/tall.txt')).text;
  expect(tall).toContain('The first 20000 of 20001 lines');
  expect(tall).not.toContain('id="L20001"');
});

test('Markdown is a document first, and its source one click away', async () => {
  const links = '[b](b.md) [down](#the-end-of-it) [there](b.md#x) [line](c.ts#L3)';
  const text = `# Title\n\n${links}\n\n## The end, of \`it\`!\n\n## The end of it\n`;
  const { ask } = await stageFiles(await open(), { 'docs/a.md': text });
  const rendered = (await ask('/ada/app/blob/main/docs/a.md')).text;
  expect(rendered).toContain('href="/ada/app/blob/main/docs/b.md"');
  // Headings have names of their own, which no name of the page is, and links lead to them.
  expect(rendered).toContain('<h4 id="text-the-end-of-it">');
  expect(rendered).toContain('<h4 id="text-the-end-of-it-1">');
  expect(rendered).toContain('href="#text-the-end-of-it"');
  expect(rendered).toContain('docs/b.md#text-x"');
  expect(rendered).toContain('docs/c.ts#L3"');
  expect(rendered).not.toContain('id="L1"');
  const source = (await ask('/ada/app/blob/main/docs/a.md?view=source')).text;
  expect(source).toContain('id="L1"');
  expect((await ask('/ada/app/blob/main/docs/a.md?view=odd')).status).toBe(400);
});

test('P2: a symbolic link shows its text, and leads nowhere outside of the repository', async () => {
  const { ask, commitTree, write, api } = await stageFiles(await open(), { 'dir/x.txt': 'x\n' });
  const [folder] = (await api('/ada/app/tree/main'))['entries'] as { oid: string }[];
  const link = async (name: string, target: string) => ({ mode: '120000', name, oid: await write(target) });
  await commitTree('links', [
    { mode: '040000', name: 'dir', oid: folder!.oid },
    await link('fine', './dir/../dir/x.txt'),
    await link('out', '../../../etc/passwd'),
    await link('root', '/etc/passwd'),
  ]);
  expect((await ask('/ada/app/blob/links/fine')).text).toContain('href="/ada/app/blob/links/dir/x.txt"');
  for (const name of ['out', 'root']) {
    const { text } = await ask(`/ada/app/blob/links/${name}`);
    expect(text).toContain('outside of this repository');
    expect(text).not.toContain('root:');
  }
  expect((await ask('/ada/app/raw/links/root')).text).toBe('/etc/passwd');
});

test('a pointer of Git LFS tells what is kept for it, and whether it is here', async () => {
  const oid = createHash('sha256').update('big').digest('hex');
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize 123456789\n`;
  const { ask, api } = await stageFiles(await open(), { 'a.psd': pointer });
  const { text } = await ask('/ada/app/blob/main/a.psd');
  expect(text).toContain(oid);
  expect(text).toContain('118 MiB');
  expect(text).toContain('git lfs push --all');
  expect(await api('/ada/app/blob/main/a.psd')).toMatchObject({
    content: 'lfs',
    lfs: { oid, size: 123_456_789 },
  });
  expect((await ask('/ada/app/raw/main/a.psd')).text).toBe(pointer);
  expect((await ask('/ada/app/raw/main/a.psd?lfs=1')).status).toBe(404);
});

test.each([
  [Buffer.from('BM a text that begins like a bitmap'), 'text'],
  [Buffer.from('GIF89a…'), 'image'],
  [Buffer.from([0xff, 0xfe, 0x00, 0xd8]), 'binary'],
  [Buffer.from('\uFEFFwith a mark'), 'text'],
])('the first bytes decide (%#)', (bytes, kind) => {
  expect(contentOf(bytes).kind).toBe(kind);
});
