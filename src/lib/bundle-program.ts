// Makes a program of the forge into one file that needs Node alone.
import { dirname } from 'node:path';
import type { Plugin } from 'esbuild';

export interface BundleOrder {
  /** The file that the program starts with. */
  entry: string;
  format: 'iife' | 'esm';
  /** The oldest Node that must be able to read it. */
  target: string;
  define: Record<string, string>;
  /** Files that run before everything else. */
  inject?: string[];
  /** Files that stand in for modules. */
  alias?: Record<string, string>;
}

/** zod brings its messages in fifty languages, a quarter of a program; ours speak English. */
const withoutLanguages: Plugin = {
  name: 'without-languages',
  setup: (build) =>
    build.onLoad({ filter: /[/]zod[/]v4[/]locales[/]index\.js$/ }, ({ path }) => ({
      contents: "export { default as en } from './en.js';",
      resolveDir: dirname(path),
    })),
};

export async function bundleProgram(order: BundleOrder): Promise<string> {
  const { entry, format, target, define, inject = [], alias = {} } = order;
  const { build, stop } = await import('esbuild');
  try {
    const { outputFiles } = await build({
      entryPoints: [entry],
      bundle: true,
      minify: true,
      write: false,
      platform: 'node',
      format,
      target,
      define,
      inject,
      alias,
      legalComments: 'eof',
      logLevel: 'silent',
      plugins: [withoutLanguages],
    });
    return outputFiles[0]?.text ?? '';
  } finally {
    // Else its process stays for as long as the forge.
    await stop();
  }
}
