// Code to colours, with the languages that are asked for. What highlight.js finds is written down as it is found, and
// not as the HTML that the library would make of it, which would have to be taken apart again.
import hljs from 'highlight.js/lib/core';
import type { Emitter, LanguageFn } from 'highlight.js';
import { classRoom, type LineColours } from './line-colours.ts';

// The languages that stand within others; without them their part would be plain.
const within: Record<string, readonly string[]> = {
  dockerfile: ['bash'],
  javascript: ['xml', 'css', 'graphql'],
  markdown: ['xml'],
  nix: ['markdown'],
  perl: ['mojolicious'],
  mojolicious: ['xml'],
  typescript: ['javascript'],
  xml: ['css', 'javascript'],
};

/** Undefined when the library failed. */
export async function colourText(text: string, language: string): Promise<LineColours | undefined> {
  await learn(language);
  const { _emitter: found, errorRaised } = hljs.highlight(text, { language, ignoreIllegals: true });
  return errorRaised === undefined && found instanceof Finds ? found.lines() : undefined;
}

/** Each language is loaded when it is first met, for a forge rarely meets more than a few. */
async function learn(language: string): Promise<void> {
  if (hljs.getLanguage(language) !== undefined) return;
  const module = (await import(`highlight.js/lib/languages/${language}`)) as { default: LanguageFn };
  hljs.registerLanguage(language, module.default);
  for (const inner of within[language] ?? []) await learn(inner);
}

/** What the library calls as it goes through a text; a scope is what it calls a class. */
class Finds implements Emitter {
  readonly #texts: string[] = [];
  readonly #scopes: string[] = [];
  readonly #open: string[] = [''];
  /** Whether the next text goes on with the piece before it. */
  #goesOn = false;

  addText(text: string): void {
    if (text === '') return;
    if (this.#goesOn) this.#texts[this.#texts.length - 1] += text;
    else {
      this.#texts.push(text);
      this.#scopes.push(this.#open.at(-1) ?? '');
    }
    this.#goesOn = true;
  }

  startScope(scope: string): void {
    this.#open.push(scope);
    this.#goesOn = false;
  }

  endScope(): void {
    if (this.#open.length > 1) this.#open.pop();
    this.#goesOn = false;
  }

  // Two names for each: the library calls both.
  openNode(scope: string): void {
    this.startScope(scope);
  }

  closeNode(): void {
    this.endScope();
  }

  __addSublanguage(inner: Emitter, language: string): void {
    if (!(inner instanceof Finds)) return;
    const around = language === '' ? (this.#open.at(-1) ?? '') : `language:${language}`;
    for (const [at, text] of inner.#texts.entries()) {
      this.#texts.push(text);
      this.#scopes.push(inner.#scopes[at] || around);
    }
    this.#goesOn = false;
  }

  finalize(): void {
    this.#open.splice(1);
  }

  toHTML(): string {
    return '';
  }

  lines(): LineColours {
    const classes = [''];
    const places = new Map([['', 0]]);
    const starts = [0];
    const marks: number[] = [];
    for (const [at, text] of this.#texts.entries()) {
      const scope = this.#scopes[at] ?? '';
      let place = places.get(scope);
      if (place === undefined) {
        place = classes.length < classRoom ? classes.push(classOf(scope)) - 1 : 0;
        places.set(scope, place);
      }
      for (let from = 0; ;) {
        const end = text.indexOf('\n', from);
        const length = (end < 0 ? text.length : end) - from;
        if (length > 0) marks.push(length * classRoom + place);
        if (end < 0) break;
        starts.push(marks.length);
        from = end + 1;
      }
    }
    return { classes, starts: Uint32Array.from(starts), marks: Uint32Array.from(marks) };
  }
}

/** The class that the library's own HTML has for a scope. */
function classOf(scope: string): string {
  if (scope.startsWith('language:')) return scope.replace('language:', 'language-');
  const [first = '', ...rest] = scope.split('.');
  return [`hljs-${first}`, ...rest.map((name, at) => name + '_'.repeat(at + 1))].join(' ');
}

hljs.configure({ __emitter: Finds });
