// Finds the line of a repository that the output of a failed test speaks of. Runners write paths of the machine they
// ran on, relative to wherever they ran, or names without a folder; a place counts only when the commit has the file.

export interface SourcePlace {
  file: string;
  /** Undefined when only the file is known. */
  line: number | undefined;
}

const maxTextLength = 64 * 1024;
const maxPathLength = 400;

/** `file:12`, `file:12:5`, `File "file", line 12`, `file line 12`, `file:line 12`; the path stands before the match. */
const numbers = /(?:"?, line |:line | line |:)(\d{1,7})/g;
const outsidePath = /[\s"'`()<>|,;:[\]{}]/;

interface Mention {
  path: string;
  line: number;
}

/** Every path with a line in a text, in order. Linear: a path begins at most `maxPathLength` before its number. */
function mentionsIn(text: string): Mention[] {
  const mentions: Mention[] = [];
  for (const match of text.slice(0, maxTextLength).matchAll(numbers)) {
    const end = match.index;
    const isQuoted = match[0].startsWith('"');
    let start = end;
    while (start > 0 && end - start < maxPathLength) {
      const before = text[start - 1] ?? '';
      if (isQuoted ? before === '"' || before === '\n' : outsidePath.test(before)) break;
      start -= 1;
    }
    const path = text.slice(start, end);
    const line = Number(match[1]);
    if (line > 0 && /[^/.]\.[A-Za-z0-9_]{1,12}$/.test(path)) mentions.push({ path, line });
  }
  return mentions;
}

/** The files of one commit, asked by whatever name a test runner gives them. */
export class SourceTree {
  readonly #files: ReadonlySet<string>;
  readonly #byName = new Map<string, string[]>();
  readonly #workFolder: string;

  /** `workFolder` is where the commit was checked out, as its programs saw it. */
  constructor(files: readonly string[], workFolder: string) {
    this.#files = new Set(files);
    this.#workFolder = workFolder.replace(/\/+$/, '');
    for (const file of files) {
      const name = file.slice(file.lastIndexOf('/') + 1);
      const others = this.#byName.get(name);
      if (others === undefined) this.#byName.set(name, [file]);
      else others.push(file);
    }
  }

  /** The file of the commit that is meant; `near` is a folder in which it is looked for first. */
  find(given: string, near = ''): string | undefined {
    if (given.length > maxPathLength) return undefined;
    const path = this.#fromTop(given);
    if (path === undefined) return undefined;
    if (!path.startsWith('/')) {
      for (let folder = near; folder !== ''; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/')))) {
        if (this.#files.has(`${folder}/${path}`)) return `${folder}/${path}`;
      }
      if (this.#files.has(path)) return path;
    }
    const named = this.#byName.get(path.slice(path.lastIndexOf('/') + 1)) ?? [];
    if (path.startsWith('/')) {
      // Run elsewhere, as in a container: the longest path of ours that it ends with, unless that is a mere name.
      const ends = named.filter((file) => file.includes('/') && path.endsWith(`/${file}`));
      return ends.sort((left, right) => right.length - left.length)[0];
    }
    const fits = named.filter((file) => file.endsWith(`/${path}`));
    return fits.length === 1 ? fits[0] : undefined;
  }

  /** `tests.test_cart.CartTest` → `tests/test_cart.py`, `org.example.CartTest` → `src/…/org/example/CartTest.java`. */
  findClass(name: string, near = ''): string | undefined {
    if (!/^[\w$]+(?:\.[\w$]+)+$/.test(name) || name.length > maxPathLength) return undefined;
    const parts = name.split('.');
    for (let count = parts.length; count > 0; count -= 1) {
      const path = parts.slice(0, count).join('/').split('$', 1)[0] ?? '';
      for (const ending of ['py', 'java', 'kt', 'scala', 'cs', 'rb']) {
        const file = count > 1 || ending === 'py' ? this.find(`${path}.${ending}`, near) : undefined;
        if (file !== undefined) return file;
      }
    }
    return undefined;
  }

  #fromTop(given: string): string | undefined {
    const path = given
      .replace(/^file:\/\//, '')
      .replaceAll('\\', '/')
      .replace(/\/\.?(?=\/)/g, '');
    const inside = path.startsWith(`${this.#workFolder}/`) ? path.slice(this.#workFolder.length + 1) : path;
    const clean = inside.replace(/^(?:\.\/)+/, '');
    if (clean === '' || /(?:^|\/)\.\.(?:\/|$)/.test(clean)) return undefined;
    // What lies in a folder of packages is not the repository's, even when a file of it has the same name.
    return /(?:^|\/)(?:node_modules|site-packages|dist-packages)\//.test(clean) ? undefined : clean;
  }
}

export interface PlaceQuestion {
  /** The test's own file and line, as the runner names them. */
  file: string | undefined;
  line: number | undefined;
  suite: string;
  message: string | undefined;
  output: string | undefined;
}

/**
 * Where a test failed: in its own file if a line of that is named, else the innermost line of the repository, else where
 * the test is defined. Undefined when nothing of the repository is named.
 */
export function placeOf(tree: SourceTree, test: PlaceQuestion, near: string): SourcePlace | undefined {
  const own = ownFile(tree, test, near);
  const text = [test.output, test.message].filter(Boolean).join('\n');
  const places = mentionsIn(text).flatMap(({ path, line }) => {
    const file = tree.find(path, near);
    return file === undefined ? [] : [{ file, line }];
  });
  // Python tells the innermost call last, everybody else first.
  const isInnermostLast =
    /\(most recent call last\)/.test(text) || places.every(({ file }) => file.endsWith('.py'));
  const ordered = isInnermostLast ? places.reverse() : places;
  const inOwn = ordered.find(({ file }) => file === own);
  if (inOwn !== undefined) return inOwn;
  if (ordered[0] !== undefined) return ordered[0];
  return own === undefined ? undefined : { file: own, line: test.line };
}

function ownFile(tree: SourceTree, { file, suite }: PlaceQuestion, near: string): string | undefined {
  const named = file === undefined ? undefined : tree.find(file, near);
  return named ?? tree.find(suite.split(' > ', 1)[0] ?? '', near) ?? tree.findClass(suite, near);
}
