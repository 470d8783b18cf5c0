// Reads along with the head of a push (gitprotocol-pack(5), "Reference Update Request"): its commands and push
// options, up to the pack. git keeps all of them in memory without a limit, and takes signed pushes although it does
// not offer them. Whatever is refused here never reaches git; the pack passes unread.
import { Transform, type TransformCallback } from 'node:stream';
import { ForgeError } from '../lib/errors.ts';
import type { PushHeadLimits } from './model.ts';

// What shallow clients list of their borders counts too.
const maxHeadBytes = 4 * 1024 * 1024;
const maxLineBytes = 65_520;
const maxBandBytes = 65_515;

export class PushHead extends Transform {
  readonly #limits: PushHeadLimits;
  readonly #refs: string[] = [];
  readonly #capabilities = new Set<string>();
  #part: 'commands' | 'options' | 'pack' = 'commands';
  #rest: Buffer = Buffer.alloc(0);
  #bytes = 0;
  #options = 0;
  #optionBytes = 0;
  #hasPack = false;

  /** Fails with a `ForgeError` whose sentence is for the user. */
  constructor(limits: PushHeadLimits) {
    super();
    this.#limits = limits;
  }

  /** Whether the client goes on to send a pack, whatever it is told. */
  get hasPack(): boolean {
    return this.#hasPack;
  }

  /** A refusal in the form that the client asked for, or undefined when it asked for none that can say why. */
  report(sentence: string): Buffer | undefined {
    const capabilities = this.#capabilities;
    const hasStatus = capabilities.has('report-status') || capabilities.has('report-status-v2');
    if (!hasStatus || !capabilities.has('side-band-64k')) return undefined;
    const refused = this.#refs.map((ref) =>
      pktLine(Buffer.from(`ng ${ref} refused by the forge\n`, 'latin1')),
    );
    const status = Buffer.concat([pktLine('unpack ok\n'), ...refused, flush]);
    const bands = [band(2, Buffer.from(`pika-git: ${sentence}\n`))];
    for (let at = 0; at < status.length; at += maxBandBytes)
      bands.push(band(1, status.subarray(at, at + maxBandBytes)));
    return Buffer.concat([...bands, flush]);
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    try {
      this.#read(chunk);
      done();
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
    }
  }

  override _flush(done: TransformCallback): void {
    // A head that is cut off is git's to complain about.
    done(null, this.#rest);
  }

  #read(chunk: Buffer): void {
    let rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let end = 0;
    while (this.#part !== 'pack') {
      const length = lengthAt(rest, end);
      if (length === undefined || rest.length < end + Math.max(length, 4)) break;
      if (length === 0) this.#endPart();
      else this.#readLine(rest.subarray(end + 4, end + length));
      end += Math.max(length, 4);
    }
    if (this.#part === 'pack') end = rest.length;
    if (end > 0) this.push(rest.subarray(0, end));
    rest = rest.subarray(end);
    this.#rest = rest;
  }

  #endPart(): void {
    const takesOptions = this.#part === 'commands' && this.#capabilities.has('push-options');
    this.#part = takesOptions && this.#refs.length > 0 ? 'options' : 'pack';
  }

  #readLine(line: Buffer): void {
    this.#bytes += line.length;
    if (this.#bytes > maxHeadBytes) throw new ForgeError('too_large', 'The list of refs is too long.');
    if (this.#part === 'options') this.#countOption(line);
    else this.#readCommand(line.toString('latin1'));
  }

  #readCommand(text: string): void {
    const [command = '', capabilities = ''] = text.split('\0', 2);
    // git reads them behind every command, not only behind the first.
    for (const capability of capabilities.split(/\s+/))
      this.#capabilities.add(capability.replace(/=.*$/s, ''));
    if (command.startsWith('push-cert')) {
      throw new ForgeError(
        'invalid',
        'Signed pushes are not taken here. Push without --signed; signed commits and tags are welcome.',
      );
    }
    if (command.startsWith('shallow ')) return;
    const [, newOid = '', ref = ''] = /^\S+ (\S+) (.*?)\n?$/s.exec(command) ?? [];
    if (!/^0*$/.test(newOid)) this.#hasPack = true;
    this.#refs.push(ref);
    const { maxRefsPerPush } = this.#limits;
    if (this.#refs.length > maxRefsPerPush) {
      throw new ForgeError(
        'too_large',
        `At most ${maxRefsPerPush} refs are taken in one push. Push them in parts.`,
      );
    }
  }

  #countOption(line: Buffer): void {
    const { maxPushOptions, maxPushOptionBytes } = this.#limits;
    this.#options += 1;
    this.#optionBytes += line.length;
    if (this.#options > maxPushOptions || this.#optionBytes > maxPushOptionBytes) {
      throw new ForgeError(
        'too_large',
        `At most ${maxPushOptions} push options of ${maxPushOptionBytes} bytes together are taken. Push with fewer.`,
      );
    }
  }
}

/** The length of the line at `at`, with its own four digits; 0 ends a part, undefined: more must come first. */
function lengthAt(bytes: Buffer, at: number): number | undefined {
  if (bytes.length < at + 4) return undefined;
  const digits = bytes.toString('latin1', at, at + 4);
  const length = /^[0-9a-f]{4}$/i.test(digits) ? Number.parseInt(digits, 16) : -1;
  if (length === 0 || (length >= 4 && length <= maxLineBytes)) return length;
  throw new ForgeError('invalid', 'The push is not in the form that git gives it.');
}

const flush = Buffer.from('0000');

export function pktLine(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, '0')), bytes]);
}

const band = (number: 1 | 2, content: Buffer): Buffer =>
  pktLine(Buffer.concat([Buffer.from([number]), content]));
