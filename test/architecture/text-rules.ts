// What a text of the project may be like: its size, its name, and what it must not reach for.
import { posix } from 'node:path';
import type { Source } from './sources.ts';

const maxFileLines = 400;

export function longFiles(sources: readonly Source[]): string[] {
  return sources
    .map(({ path, text }) => ({ path, lines: text.replace(/\n$/, '').split('\n').length }))
    .filter(({ lines }) => lines > maxFileLines)
    .map(({ path, lines }) => `${path} has ${lines} lines, more than ${maxFileLines}`);
}

const emptyNames = /^(?:helpers?|utils?|service|types|common|misc|index)\.ts$/;
const kebabCase = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.test|\.d|\.config)?\.ts$/;

export function poorNames(sources: readonly Source[]): string[] {
  return sources
    .filter(({ path }) => path.endsWith('.ts'))
    .filter(({ path }) => emptyNames.test(posix.basename(path)) || !kebabCase.test(posix.basename(path)))
    .map(({ path }) => `${path}: a file is named in kebab-case after a verb or a thing`);
}

/** Only the configuration, the entry point and the companion command read the environment. */
export function environmentReaders(sources: readonly Source[]): string[] {
  const allowed = /^src\/(?:forge\/config\.ts|main\.ts|ph\/.*)$/;
  return sources
    .filter(({ path }) => path.startsWith('src/') && !allowed.test(path))
    .filter(({ text }) => /\bprocess\s*(?:\.\s*env\b|\[['"]env['"]\])/.test(text))
    .map(({ path }) => `${path} reads process.env; settings come from forge/config.ts`);
}

/** Git starts in git/run.ts; beside it only in the transport, the lane's own side, and `ph`, which has no forge. */
export function straySpawns(sources: readonly Source[]): string[] {
  const allowed = /^src\/(?:git\/run\.ts|transport\/.*|ci\/.*|ph\/.*)$/;
  return sources
    .filter(({ path }) => path.startsWith('src/') && !allowed.test(path))
    .filter(({ text }) => /\b(?:spawn|exec|execFile|fork)(?:Sync)?\(\s*['"`]git\b/.test(text))
    .map(({ path }) => `${path} starts git; use forge.git of git/run.ts`);
}

/** Templates escape everything; the one place that does not is audited. */
export function unescapedTemplates(sources: readonly Source[]): string[] {
  return sources
    .filter(({ path }) => path.startsWith('templates/') && path !== 'templates/_safe.njk')
    .filter(({ text }) => /\|\s*safe\b|\{%-?\s*autoescape\s+false/.test(text))
    .map(({ path }) => `${path} prints without escaping; only templates/_safe.njk may`);
}

/** Client code never builds markup or programs from strings. */
export function stringsAsCode(sources: readonly Source[]): string[] {
  return sources
    .filter(({ path }) => path.startsWith('templates/assets/') && path.endsWith('.js'))
    .filter(({ text }) => /\beval\(|\bnew Function\(|\bdocument\.write\(/.test(text))
    .map(({ path }) => `${path} turns a string into code`);
}

/**
 * A rule for what stands beside an element that has no more than a kind (`p + p`): wherever an element comes into a page,
 * Chromium looks through everything around it for such. Asked of `:has()` it does not.
 */
export function wideSiblings(sources: readonly Source[]): string[] {
  return sources
    .filter(({ path }) => path.endsWith('.css'))
    .flatMap(({ path, text }) =>
      [...text.replaceAll(/\/\*.*?\*\//gs, '').matchAll(/[^{};]+(?=\{)/g)]
        .map(([selector]) => selector.replaceAll(/:has\([^)]*\)/g, '').trim())
        .filter((selector) => /(?:^|[\s>,(])(?:[a-z]\w*|\*)(?::[\w-]+)*\s*[+~]\s*[a-z.#:[*]/.test(selector))
        .map((selector) => `${path}: ${selector} begins with a kind of element; say it with a class`),
    );
}

/** Addresses in the lock file would tie the project to the registry of whoever wrote it. */
export function lockedAddresses({ path, text }: Source): string[] {
  return /"resolved"\s*:/.test(text) ? [`${path} has "resolved" addresses`] : [];
}

const expectedTop = [
  'LICENSE',
  'README.md',
  'hooks',
  'nix',
  'package-lock.json',
  'package.json',
  'src',
  'templates',
  'test',
  'tsconfig.json',
];
/** Git ignores these: what installing, serving and measuring leave in a checkout. */
const ignoredTop = /^(?:\..*|node_modules|data|data-dev|coverage|.*\.log)$/;

export function untidyTop(names: readonly string[]): string[] {
  const tracked = names.filter((name) => !ignoredTop.test(name));
  return [
    ...tracked
      .filter((name) => !expectedTop.includes(name))
      .map((name) => `${name} does not belong at the top`),
    ...expectedTop.filter((name) => !tracked.includes(name)).map((name) => `${name} is missing at the top`),
  ];
}
