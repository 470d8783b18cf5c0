// Syntax colours: a whole file at once, so that a comment over several lines is one, cached by object id.
import { Recent } from '../lib/recent.ts';
import type { LineColours } from './line-colours.ts';
import { askRenderThread } from './render-pool.ts';

const maxLength = 200_000;
// A file of a thousand lines takes about 40 kB of it.
const maxKeptColourBytes = 16 * 1024 * 1024;
// What an entry takes beside its numbers.
const entryBytes = 800;
const kept = new Recent<LineColours>(maxKeptColourBytes);
const inMaking = new Map<string, Promise<LineColours | undefined>>();

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

interface ColouredFile {
  oid: string;
  path: string;
  /** What the object holds, or how to read it where its colours are not kept; undefined for what is no text. */
  text: string | (() => Promise<string | undefined>);
}

/** The colours of every line of a file, or undefined when it is shown plain: too large, too slow, no language. */
export async function highlightFile({ oid, path, text }: ColouredFile): Promise<LineColours | undefined> {
  const language = languageOf(path);
  if (language === undefined) return undefined;
  const key = `${oid} ${language}`;
  const known = kept.find(key);
  if (known !== undefined) return known;
  // Whoever asks for colours that are being made waits for the same ones.
  const making = inMaking.get(key) ?? make(key, text, language);
  inMaking.set(key, making);
  return making;
}

async function make(
  key: string,
  given: ColouredFile['text'],
  language: string,
): Promise<LineColours | undefined> {
  try {
    const text = typeof given === 'string' ? given : await given();
    if (text === undefined || text.length > maxLength) return undefined;
    const colours = await askRenderThread({ kind: 'highlight', text, language });
    if (typeof colours !== 'object') return undefined;
    kept.keep(key, colours, colours.marks.byteLength + colours.starts.byteLength + entryBytes);
    return colours;
  } finally {
    inMaking.delete(key);
  }
}
