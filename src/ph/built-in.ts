// What a ph that was got from a forge has built in: that forge, and the version of ph. A ph of the package knows
// no forge, and reads its version beside itself.
import { readFileSync } from 'node:fs';

declare const PH_FORGE: string | undefined;
declare const PH_VERSION: string | undefined;

/** The forge that this ph was got from. */
export const homeForge: string | undefined = typeof PH_FORGE === 'undefined' ? undefined : PH_FORGE;

export const version: string = typeof PH_VERSION === 'undefined' ? packageVersion() : PH_VERSION;

function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
