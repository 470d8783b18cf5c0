// A client may send the first packet of the key exchange that it guesses at once (RFC 4253, section 7.1); dropbear
// always does. The ssh2 library (1.17) throws that packet away even when the guess was right, and both sides then
// wait for ever. So the client's first message is read along, and a right guess is kept.
import type { Socket } from 'node:net';
import type { Connection } from 'ssh2';

const kexInit = 20;
const maxReadBytes = 64 * 1024;

/** What both sides' lists begin with when a guess is right. */
export interface FirstChoice {
  kex: string;
  hostKey: string;
}

export class FirstGuess {
  readonly #choice: FirstChoice;
  #read = Buffer.alloc(0);
  #isRight: boolean | undefined;

  /** Listens before the library does: it takes a chunk to its end in one turn. */
  constructor(socket: Socket, choice: FirstChoice) {
    this.#choice = choice;
    const readAlong = (chunk: Buffer): void => {
      this.#read = Buffer.concat([this.#read, chunk]);
      this.#isRight = this.#judge();
      if (this.#isRight !== undefined || this.#read.length > maxReadBytes) socket.off('data', readAlong);
    };
    socket.on('data', readAlong);
  }

  /** Makes the library keep the packet that followed a right guess; once, because only the first exchange guesses. */
  keepIn(client: Connection): void {
    const { _protocol: protocol } = client as unknown as { _protocol: object };
    let skips = false;
    let isFirst = true;
    Object.defineProperty(protocol, '_skipNextInboundPacket', {
      get: () => skips,
      set: (value: boolean) => {
        skips = value && !(isFirst && this.#isRight === true);
        if (value) isFirst = false;
      },
    });
  }

  /** undefined until the whole KEXINIT is there: a line that ends with LF, then one packet in the clear. */
  #judge(): boolean | undefined {
    const packet = this.#read.subarray(this.#read.indexOf('\n') + 1);
    if (packet.length === this.#read.length || packet.length < 4) return undefined;
    const end = 4 + packet.readUInt32BE(0);
    if (packet.length < end) return undefined;
    this.#read = Buffer.alloc(0);
    // Length, padding length, message number, cookie; then name lists with their lengths before them.
    if (packet[5] !== kexInit) return false;
    const lists = packet.subarray(22, end);
    const kex = firstNameAt(lists, 0);
    const hostKey = kex === undefined ? undefined : firstNameAt(lists, kex.next);
    return kex?.name === this.#choice.kex && hostKey?.name === this.#choice.hostKey;
  }
}

function firstNameAt(lists: Buffer, at: number): { name: string; next: number } | undefined {
  if (at + 4 > lists.length) return undefined;
  const next = at + 4 + lists.readUInt32BE(at);
  const [name = ''] = lists.toString('latin1', at + 4, next).split(',', 1);
  return { name, next };
}
