// What a reviewer waits for: the pages of a branch on the server and in Chromium, with few files and with many, the
// colours, the memory after many pages, and how much script a page takes along.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import hljs from 'highlight.js';
import { highlightFile, languageOf } from '../../src/web/highlight.ts';
import { closeRenderPool } from '../../src/web/render-pool.ts';
import { inMs, median, quantile, timed, type Figure } from './measure.ts';
import { measureInBrowser } from './review-browser.ts';
import { openReviewStage, sizes, type ReviewStage, type Size } from './review-stage.ts';

const restarts = 3;
const loads = 15;
const views = 1000;
const root = fileURLToPath(new URL('../..', import.meta.url));

export async function measureReview(): Promise<Figure[]> {
  const stage = await openReviewStage();
  try {
    const figures = await measureColdPages(stage);
    figures.push(...(await measureWarmPages(stage)));
    figures.push(...(await measureScript(stage)));
    if (existsSync('/usr/bin/chromium')) figures.push(...(await measureInBrowser(stage)));
    figures.push(await measureMemory(stage), await measureColours());
    return figures;
  } finally {
    await closeRenderPool();
    await stage.dispose();
  }
}

interface Loaded {
  firstByteMs: number;
  wholeMs: number;
  bytes: number;
  packedBytes: number;
}

async function load({ served, headers }: ReviewStage, path: string): Promise<Loaded> {
  const begun = performance.now();
  const page = await fetch(served.http + path, { headers: { ...headers, accept: 'text/html' } });
  const firstByteMs = performance.now() - begun;
  const body = Buffer.from(await page.arrayBuffer());
  const wholeMs = performance.now() - begun;
  if (page.status !== 200)
    throw new Error(`${path} answers ${page.status}: ${body.toString().slice(0, 300)}`);
  return { firstByteMs, wholeMs, bytes: body.length, packedBytes: gzipSync(body).length };
}

const sizesOf = (): Size[] => Object.keys(sizes) as Size[];
const kilobytes = (bytes: number): string => `${Math.round(bytes / 1024).toLocaleString('en')} KB`;

/** Right after a start nothing is kept: git reads the difference, and every colour is made. */
async function measureColdPages(stage: ReviewStage): Promise<Figure[]> {
  const took = new Map(sizesOf().map((size) => [size, [] as Loaded[]]));
  for (let turn = 0; turn < restarts; turn += 1) {
    await stage.served.stop();
    await stage.served.restart();
    await load(stage, '/');
    for (const [size, loaded] of took) loaded.push(await load(stage, `${stage.paths[size]}?tab=changes`));
  }
  return [...took].map(([size, loaded]) => ({
    what: `changes of ${size}, first reader after a start: first byte`,
    value: inMs(median(loaded.map(({ firstByteMs }) => firstByteMs))),
    how: `${restarts} starts; whole page ${inMs(median(loaded.map(({ wholeMs }) => wholeMs)))}`,
  }));
}

async function measureWarmPages(stage: ReviewStage): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const size of sizesOf()) {
    for (const tab of ['tutorial', 'changes', 'commits', 'discussion', 'ci']) {
      const path = `${stage.paths[size]}?tab=${tab}`;
      await load(stage, path);
      const loaded: Loaded[] = [];
      for (let turn = 0; turn < loads; turn += 1) loaded.push(await load(stage, path));
      const times = loaded.map(({ wholeMs }) => wholeMs);
      const firstByte = inMs(median(loaded.map(({ firstByteMs }) => firstByteMs)));
      const [one] = loaded;
      figures.push({
        what: `${tab} of ${size}`,
        value: inMs(median(times)),
        how: `${loads} requests, p95 ${inMs(quantile(times, 0.95))}, first byte ${firstByte}; ${kilobytes(one?.bytes ?? 0)}, ${kilobytes(one?.packedBytes ?? 0)} packed`,
      });
    }
  }
  return figures;
}

/** Every page takes the same modules along. */
async function measureScript(stage: ReviewStage): Promise<Figure[]> {
  const page = await fetch(stage.served.http, { headers: stage.headers });
  const assets = /src="(\/\S+?)\/js\/main\.js"/.exec(await page.text())?.[1] ?? '';
  let [count, bytes, packed] = [0, 0, 0];
  for (const name of globSync('*.js', { cwd: join(root, 'templates/assets/js') })) {
    const script = await fetch(`${stage.served.http}${assets}/js/${name}`);
    if (!script.ok) throw new Error(`${name} answers ${script.status}.`);
    const body = Buffer.from(await script.arrayBuffer());
    count += 1;
    bytes += body.length;
    packed += gzipSync(body).length;
  }
  const how = `${count} modules, ${kilobytes(bytes)} unpacked; all of them on every page`;
  return [{ what: 'script of a page, packed', value: kilobytes(packed), how }];
}

function residentMegabytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) / 1024);
}

async function measureMemory(stage: ReviewStage): Promise<Figure> {
  await stage.served.stop();
  await stage.served.restart();
  const tabs = ['tutorial', 'changes', 'commits', 'discussion', 'ci'];
  const pages = sizesOf().flatMap((size) => tabs.map((tab) => `${stage.paths[size]}?tab=${tab}`));
  pages.push('/', '/demo/review', '/demo/review/tree/main', '/demo/review/refs', '/inbox');
  for (const path of pages) await load(stage, path);
  const before = residentMegabytes(stage.served.pid);
  for (let view = 0; view < views; view += 1) await load(stage, pages[view % pages.length] ?? '/');
  const after = residentMegabytes(stage.served.pid);
  const how = `each of ${pages.length} pages was seen once before: ${before} MB`;
  return {
    what: `memory of the forge after ${views.toLocaleString('en')} page views`,
    value: `${after} MB`,
    how,
  };
}

/** Sources of this project, as a page asks for them: several at once. Beside them the library alone, in this thread. */
async function measureColours(): Promise<Figure> {
  const names = globSync('{src,test,templates}/**/*.{ts,js,css}', { cwd: root }).slice(0, 600);
  const texts = names.map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
  await highlightFile({ oid: 'warm', path: 'a.ts', text: 'const warm = 1;\n' });
  const bytes = texts.reduce((sum, { text }) => sum + text.length, 0);
  const perSecond = (ms: number): string => `${(bytes / 1e6 / (ms / 1000)).toFixed(1)} MB`;
  const before = process.cpuUsage();
  const took = await timed(async () => {
    // So many files a page shows at once.
    for (let at = 0; at < texts.length; at += 30) {
      const part = texts.slice(at, at + 30);
      await Promise.all(part.map(({ path, text }) => highlightFile({ oid: path, path, text })));
    }
  });
  const inAll = cpuMsSince(before);
  const beforeAlone = process.cpuUsage();
  for (const { path, text } of texts) hljs.highlight(text, { language: languageOf(path) ?? 'typescript' });
  const alone = cpuMsSince(beforeAlone);
  return {
    what: 'colours',
    value: `${perSecond(took)}/s`,
    how: `${names.length} files, ${(bytes / 1e6).toFixed(1)} MB, two threads; ${perSecond(inAll)} for a second of processor time, of highlight.js alone ${perSecond(alone)}`,
  };
}

function cpuMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
