// Syntax colours: a whole file at once, so that a comment over several lines is one, cached by object id.
import { askRenderThread, type Segment } from './render-pool.ts';

const maxLength = 200_000;
// All cached text together, in UTF-16 units; its segments take about ten times as many bytes.
const maxCachedLength = 8_000_000;
const cache = new Map<string, { lines: Segment[][]; length: number }>();
let cachedLength = 0;
const inMaking = new Map<string, Promise<Segment[][] | undefined>>();

const languages: Record<string, string> = {
  bash: 'bash',
  c: 'c',
  cc: 'cpp',
  cpp: 'cpp',
  cs: 'csharp',
  css: 'css',
  diff: 'diff',
  go: 'go',
  h: 'c',
  hpp: 'cpp',
  html: 'xml',
  ini: 'ini',
  java: 'java',
  js: 'javascript',
  json: 'json',
  jsx: 'javascript',
  kt: 'kotlin',
  lua: 'lua',
  md: 'markdown',
  mjs: 'javascript',
  nix: 'nix',
  njk: 'xml',
  php: 'php',
  pl: 'perl',
  py: 'python',
  rb: 'ruby',
  rs: 'rust',
  scss: 'scss',
  sh: 'bash',
  sql: 'sql',
  svg: 'xml',
  swift: 'swift',
  toml: 'ini',
  ts: 'typescript',
  tsx: 'typescript',
  xml: 'xml',
  yaml: 'yaml',
  yml: 'yaml',
};

/** The language of a path by its ending, or undefined when it is shown without colours. */
export function languageOf(path: string): string | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (/^(?:Makefile|GNUmakefile)$/.test(name)) return 'makefile';
  if (name === 'Dockerfile' || name === 'Containerfile') return 'dockerfile';
  return languages[name.slice(name.lastIndexOf('.') + 1).toLowerCase()];
}

/** Whether a text gets colours, unless no thread has the time. */
export const hasColours = (path: string, text: string): boolean =>
  languageOf(path) !== undefined && text.length <= maxLength;

/** Segments of every line of a file, or undefined when it is shown plain: too large, too slow, no language. */
export async function highlightFile(file: {
  oid: string;
  path: string;
  text: string;
}): Promise<Segment[][] | undefined> {
  const language = languageOf(file.path);
  if (language === undefined || file.text.length > maxLength) return undefined;
  const key = `${file.oid} ${language}`;
  const known = cache.get(key);
  if (known !== undefined) {
    // Back to the young end of the map; the old end is dropped first.
    cache.delete(key);
    cache.set(key, known);
    return known.lines;
  }
  // Whoever asks for colours that are being made waits for the same ones.
  const making = inMaking.get(key) ?? make(key, file.text, language);
  inMaking.set(key, making);
  return making;
}

async function make(key: string, text: string, language: string): Promise<Segment[][] | undefined> {
  try {
    const lines = await askRenderThread({ kind: 'highlight', text, language });
    if (!Array.isArray(lines) || lines.length === 0) return undefined;
    keep(key, lines, text.length);
    return lines;
  } finally {
    inMaking.delete(key);
  }
}

function keep(key: string, lines: Segment[][], length: number): void {
  // Two readers may have asked for the same file at once.
  if (cache.has(key)) return;
  cache.set(key, { lines, length });
  cachedLength += length;
  for (const [oldest, entry] of cache) {
    if (cachedLength <= maxCachedLength) return;
    cache.delete(oldest);
    cachedLength -= entry.length;
  }
}
