// What a file is for, told by its path; in the order in which a reader should meet it.

export const roles = ['schema', 'core', 'interface', 'test', 'setup', 'documentation'] as const;
export type Role = (typeof roles)[number];

const testPath =
  /(?:^|\/)(?:tests?|specs?|__tests__)\/|[._-](?:test|spec)\.[a-z]+$|_test\.[a-z]+$|(?:^|\/)test_[^/]+\.py$/;

// Beside tests stand data and settings that test nothing by themselves.
const isTest = (path: string): boolean => testPath.test(path) && !/\.(?:sql|toml|ya?ml|json)$/.test(path);

export function roleOf(path: string): Role {
  if (isTest(path)) return 'test';
  if (/\.sql$|\.proto$|\.graphql$|(?:^|\/)(?:migrations?|schema)(?:\/|\.)/.test(path)) return 'schema';
  if (/\.(?:md|rst|adoc|txt)$|(?:^|\/)(?:docs?|LICENSE|CHANGELOG)(?:\/|$)/.test(path)) return 'documentation';
  if (
    /\.(?:css|scss|html|njk|hbs|ejs|vue|svelte|tsx|jsx|svg|png|jpe?g|gif|webp)$|(?:^|\/)(?:templates|views|assets|public)\//.test(
      path,
    )
  ) {
    return 'interface';
  }
  if (
    /(?:^|\/)\.[^/]+|\.(?:toml|ya?ml|json|ini|cfg|conf|lock|nix)$|(?:^|\/)(?:Makefile|Dockerfile|Containerfile)$/.test(
      path,
    )
  ) {
    return 'setup';
  }
  return 'core';
}

/**
 * The changed source that a test is about: the one whose name it carries, else the first of the one folder whose name its
 * own folder has; undefined for other paths.
 */
export function sourceOfTest(path: string, changed: ReadonlySet<string>): string | undefined {
  if (!isTest(path)) return undefined;
  const stem = stemOf(path).replace(/^test[_-]|[._-](?:test|spec)$|_test$/g, '');
  const sources = [...changed].filter((other) => !testPath.test(other));
  const named = sources.filter((other) => stemOf(other) === stem);
  if (named.length > 0) return named.length === 1 ? named[0] : undefined;
  const folder = path.split('/').at(-2) ?? '';
  const beside = sources.filter((other) => other.split('/').at(-2) === folder && roleOf(other) === 'core');
  const folders = new Set(beside.map((other) => other.slice(0, other.lastIndexOf('/'))));
  return folders.size === 1 ? beside[0] : undefined;
}

function stemOf(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const dot = name.lastIndexOf('.');
  return dot > 0 ? name.slice(0, dot) : name;
}
