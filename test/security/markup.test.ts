// X1, X3, D4: texts that try to be markup, script or another text, in every place that a pushed branch fills. Pages are
// parsed here as a browser does it, tag by tag, so that an escaped text is told from a tag.
import { afterAll, describe, expect, test } from 'vitest';
import { anonymous } from '../../src/accounts/model.ts';
import { findOpenBranch, getRevision } from '../../src/branches/find.ts';
import { scanRepo } from '../../src/branches/scan.ts';
import { changesData } from '../../src/front/changes.ts';
import { generateTutorials } from '../../src/tutorials/desk.ts';
import { outlineWriter } from '../../src/tutorials/writers/outline.ts';
import { tutorialSections } from '../../src/tutorials/view.ts';
import type { TutorialWriter } from '../../src/tutorials/writers/writer.ts';
import { renderToString } from '../../src/web/render.ts';
import { closeRenderPool } from '../../src/web/render-pool.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';

const open = useForge();
afterAll(closeRenderPool);

const canary = '<img src=x onerror=alert(1)>';
const breakout = `"'></td></summary></script><script>alert(2)</script>`;
const links = '[go](javascript:alert(3)) <a href="data:text/html,x">y</a> ![z](https://other.example/z.png)';
const page = { assets: '/assets/1', formToken: 't', path: '/', origin: 'http://127.0.0.1' };

/** Pushes the canaries as names, contents and messages, and answers the two tabs that show them, as HTML. */
async function pagesOf(writer: TutorialWriter): Promise<{ changes: string; tutorial: string }> {
  const testForge = await open();
  const { forge, repoFolder } = testForge;
  const repo = await testForge.repo('ada/app', { files: { 'kept.ts': 'let a = 1;\n' } });
  const folder = repoFolder(repo);
  const push = (message: string, files: Record<string, string>) =>
    pushFiles(forge.git, { repo: folder, branch: 'change', message, files });
  const main = await forge.git.text(['rev-parse', 'refs/heads/main'], { repo: folder });
  const first = { 'kept.ts': `let a = "${canary}${breakout}"; // \u202Eevil\u2066\n` };
  await pushFiles(forge.git, {
    repo: folder,
    branch: 'change',
    from: main,
    message: `${canary} ${breakout}\n\n${links} ${canary}\n\n${links} ${canary}\n`,
    files: first,
  });
  await push(`${breakout}\n\nA body.\n\n    ${canary}\n`, {
    [`${canary}.html`]: `${breakout}\n${canary}\n`,
    'tab\there "quoted".txt': 'x\n',
    'line\nbreak.md': `# ${canary}\n`,
    'turned\u202Etxt.exe': 'x\n',
  });
  await scanRepo(forge, repo);
  const branch = findOpenBranch(forge, repo.id, 'change')!;
  await generateTutorials(forge, writer);
  const revision = getRevision(forge, branch.id, branch.revision);
  const changes = await changesData(forge, { repo, branch, revision, caller: anonymous('') });
  const guide = await tutorialSections(forge, branch);
  return {
    changes: renderToString('_changes.njk', { page, base: '/b', changes }),
    tutorial: renderToString('tutorials/_tutorial.njk', { page, base: '/b', guide }),
  };
}

/** The tags of a page with their attributes; text between them is left out. */
function tagsOf(html: string): { name: string; attributes: Map<string, string> }[] {
  return [...html.matchAll(/<([a-z][a-z0-9]*)((?:\s+[^\s=>"']+(?:="[^"]*")?)*)\s*\/?>/gi)].map((found) => ({
    name: (found[1] ?? '').toLowerCase(),
    attributes: new Map(
      [...(found[2] ?? '').matchAll(/([^\s=>"']+)(?:="([^"]*)")?/g)].map((part) => [part[1]!, part[2] ?? '']),
    ),
  }));
}

const allowed = new Set(
  (
    'a aside b button code col colgroup details div em h2 h3 input label li mark nav ol p pre rect section span strong ' +
    'summary svg table tbody td time title tr ul use'
  ).split(' '),
);

function expectInert(html: string): void {
  // Whatever looks like the start of a tag is one of the page's own; anything else would be a text that got through.
  const starts = [...html.matchAll(/<\/?([a-z!?][a-z0-9-]*)/gi)].map((found) =>
    (found[1] ?? '').toLowerCase(),
  );
  expect(starts.filter((name) => !allowed.has(name))).toEqual([]);
  const tags = tagsOf(html);
  expect(tags).toHaveLength([...html.matchAll(/<[a-z]/gi)].length);
  for (const { attributes } of tags) {
    for (const [name, value] of attributes) {
      expect(name).not.toMatch(/^on/i);
      if (['href', 'src', 'action'].includes(name)) expect(value).toMatch(/^(?:[/#]|https?:)/);
    }
  }
  expect(html).not.toMatch(/[\u202A-\u202E\u2066-\u2069\u200B]/);
}

describe('X1: what a branch carries stays text', () => {
  test('names and contents on the Changes tab', async () => {
    const { changes } = await pagesOf(outlineWriter);
    expectInert(changes);
    expect(changes).toContain('&lt;img src=x onerror=alert(1)&gt;.html');
    expect(changes).toContain('&lt;/script&gt;');
  });

  test('subjects, bodies and names in a tutorial of the outline writer', async () => {
    const { tutorial } = await pagesOf(outlineWriter);
    expectInert(tutorial);
    expect(tutorial).toContain('&lt;img src=x onerror=alert(1)&gt; &quot;&#39;&gt;&lt;/td&gt;');
    // The links of the body are still there, as words.
    expect(tutorial).toContain('[go](javascript:alert(3))');
  });

  test('every text of a tutorial that a model wrote', async () => {
    const text = `${canary}${breakout}${links}`;
    const { tutorial } = await pagesOf({
      name: canary,
      write: ({ diff }) => ({
        body: {
          summary: text,
          steps: diff.files.map((file) => ({
            title: text,
            intent: text,
            prose: `${text}\n\n# ${text}\n\n- \`${text}\`\n\n<script>\nalert(4)\n</script>\n\n[r]: javascript:alert(5)\n[r]`,
            hunks: [{ path: file.newPath, hunk: 0 }],
            folded: false,
          })),
        },
        usage: { model: text, shownHunks: 1, allHunks: 2, inputTokens: 1, outputTokens: 1 },
      }),
    });
    expectInert(tutorial);
  });

  test('the reason of a tutorial that failed', async () => {
    const { tutorial } = await pagesOf({
      name: 'broken',
      write: () => {
        throw new Error(`${canary}${breakout}`);
      },
    });
    expectInert(tutorial);
    expect(tutorial).toContain('&lt;script&gt;alert(2)');
  });
});

test('X3, D4: hidden characters, tabs and line breaks of names and contents are shown, not obeyed', async () => {
  const { changes } = await pagesOf(outlineWriter);
  expect(changes).toContain('turned⟨U+202E⟩txt.exe');
  expect(changes).toContain('⟨U+202E⟩evil⟨U+2066⟩');
  expect(changes).toContain('tab⟨U+0009⟩here &quot;quoted&quot;.txt');
  expect(changes).toContain('line⟨U+000A⟩break.md');
});
