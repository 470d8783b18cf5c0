// A template that does not compile would end the forge when its page is asked for, so each is compiled here.
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import nunjucks from 'nunjucks';
import { templateFilters } from '../../src/web/render.ts';
import { describe, expect, test } from 'vitest';

const folder = fileURLToPath(new URL('../../templates/', import.meta.url));
const templates = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.name.endsWith('.njk'))
  .map((entry) => relative(folder, join(entry.parentPath, entry.name)));

describe('every template compiles, with the filters and templates that it names', () => {
  const environment = new nunjucks.Environment(new nunjucks.FileSystemLoader(folder));
  for (const [name, filter] of Object.entries(templateFilters)) environment.addFilter(name, filter);

  test.each(templates)('%s', (name) => {
    const { path, tmplStr } = environment.getTemplate(name, true) as unknown as {
      path: string;
      tmplStr: string;
    };
    expect(relative(folder, path)).toBe(name);
    for (const [, named = ''] of tmplStr.matchAll(/\{% (?:extends|include|from|import) "([^"]+\.njk)"/g)) {
      expect(templates, `named by ${name}`).toContain(named);
    }
    for (const [, filter = ''] of tmplStr.matchAll(/\{[{%][^}]*?\|\s*([a-z]\w*)/gi)) {
      expect(() => environment.getFilter(filter), `in ${name}`).not.toThrow();
    }
  });
});
