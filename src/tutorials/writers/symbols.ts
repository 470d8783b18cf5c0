// Names of functions, types and the like that a difference adds or removes, read off its lines.
import type { DiffFile } from '../../git/diff.ts';

const definitions = [
  /^\s*(?:export\s+)?(?:default\s+)?(?:abstract\s+)?(?:async\s+)?(?:function\*?|class|interface|type|enum|trait|struct|impl|protocol|module|namespace)\s+([A-Za-z_$][\w$]*)/,
  /^\s*export\s+(?:const|let|var)\s+([A-Za-z_$][\w$]*)/,
  /^\s*(?:pub(?:\([^)]*\))?\s+)?(?:async\s+)?(?:unsafe\s+)?(?:def|fn|func)\s+(?:\([^)]*\)\s*)?([A-Za-z_][\w]*)/,
  /^\s*create\s+(?:unique\s+)?(?:table|index|view|trigger)\s+(?:if\s+not\s+exists\s+)?([A-Za-z_]\w*)/i,
  /^([A-Za-z_][\w]*)\s*\(\)\s*\{/,
];
const maxListed = 6;

function definedIn(lines: readonly string[]): Set<string> {
  const names = new Set<string>();
  for (const line of lines) {
    if (line.length > 400) continue;
    const name = definitions.map((pattern) => pattern.exec(line)?.[1]).find((found) => found !== undefined);
    if (name !== undefined) names.add(name);
  }
  return names;
}

/** A sentence or two such as `Adds \`a\`, \`b\`. Removes \`c\`.`, or nothing. */
export function describeSymbols(files: readonly DiffFile[]): string {
  const lines = files.flatMap((file) => file.hunks).flatMap((hunk) => hunk.lines);
  const added = definedIn(lines.filter((line) => line.kind === 'added').map((line) => line.text));
  const removed = definedIn(lines.filter((line) => line.kind === 'removed').map((line) => line.text));
  const only = (some: Set<string>, others: Set<string>) => [...some].filter((name) => !others.has(name));
  const both = [...added].filter((name) => removed.has(name));
  return [
    sentence('Adds', only(added, removed)),
    sentence('Removes', only(removed, added)),
    sentence('Changes', both),
  ]
    .filter(Boolean)
    .join(' ');
}

function sentence(verb: string, names: readonly string[]): string {
  if (names.length === 0) return '';
  const shown = names.slice(0, maxListed).map((name) => `\`${name}\``);
  const more = names.length > maxListed ? ` and ${names.length - maxListed} more` : '';
  return `${verb} ${shown.join(', ')}${more}.`;
}
