// The package has no types of its own.
declare module 'markdown-it-emoji' {
  import type markdownIt from 'markdown-it';
  /** Every `:name:` of the Unicode emoji; `shortcuts` are what is taken without colons. */
  export function full(markdown: markdownIt, options?: { shortcuts?: Record<string, string[]> }): void;
}
