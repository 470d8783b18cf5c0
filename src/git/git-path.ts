// A path inside a repository as git keeps it: bytes, which need not be UTF-8. It is held as a string with one
// character per byte, so that it can be compared, cut at its slashes and used as a key; what people see comes from
// `showPath` and what addresses carry from `encodePath`.

declare const isGitPath: unique symbol;
export type GitPath = string & { readonly [isGitPath]: true };

export const rootPath = '' as GitPath;

export const gitPath = (bytes: Uint8Array): GitPath => Buffer.from(bytes).toString('latin1') as GitPath;

/** The path that a text in UTF-8 names. */
export const pathOfText = (text: string): GitPath => gitPath(Buffer.from(text, 'utf8'));

export const bytesOfPath = (path: GitPath): Buffer => Buffer.from(path, 'latin1');

export const namesOf = (path: GitPath): GitPath[] => (path === '' ? [] : (path.split('/') as GitPath[]));

export const joinPath = (...parts: readonly GitPath[]): GitPath =>
  parts.filter((part) => part !== '').join('/') as GitPath;

/** The last name of a path. */
export const nameOf = (path: GitPath): GitPath => path.slice(path.lastIndexOf('/') + 1) as GitPath;

/** The folder that a path lies in; the root for a name alone. */
export const folderOf = (path: GitPath): GitPath =>
  path.slice(0, Math.max(0, path.lastIndexOf('/'))) as GitPath;

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The path as UTF-8 text, or undefined when its bytes are none. */
export function textOfPath(path: GitPath): string | undefined {
  try {
    return strict.decode(bytesOfPath(path));
  } catch {
    return undefined;
  }
}

/** For people: UTF-8 text; where the bytes are none, those above 127 are spelled `\xNN`. Not made safe to look at. */
export const showPath = (path: GitPath): string =>
  textOfPath(path) ??
  path.replaceAll(/[\x80-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).toUpperCase()}`);

/** For an address: every byte but letters, digits, `-._~+@,=` and the slashes between names as `%NN`. */
export const encodePath = (path: GitPath): string =>
  path.replaceAll(
    /[^\w\-.~+@,=/]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );

/** Reads an address byte by byte; undefined when a `%` is not followed by two hexadecimal digits, or a byte is NUL. */
export function decodePath(encoded: string): GitPath | undefined {
  if (/%(?![0-9a-f]{2})/i.test(encoded)) return undefined;
  const path = encoded.replaceAll(/%[0-9a-f]{2}/gi, (code) =>
    String.fromCharCode(Number.parseInt(code.slice(1), 16)),
  );
  // What is no byte was no part of an address that a browser would send.
  return /[\0\u0100-\uffff]/.test(path) ? undefined : (path as GitPath);
}
