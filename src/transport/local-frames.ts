// What `pika-git ssh-serve` and the forge say to each other over the local socket. To the forge: one line of JSON, then
// the client's bytes as they are. From the forge: frames, each a letter, four bytes of length, and the content.
import type { Readable } from 'node:stream';

/** Output, errors, and the exit status as a number in text. */
export const frameKinds = ['o', 'e', 'x'] as const;
export type FrameKind = (typeof frameKinds)[number];

const headBytes = 5;
const maxFrameBytes = 16 * 1024 * 1024;

export function frame(kind: FrameKind, content: Buffer): Buffer {
  const framed = Buffer.allocUnsafe(headBytes + content.length);
  framed.write(kind, 'latin1');
  framed.writeUInt32BE(content.length, 1);
  content.copy(framed, headBytes);
  return framed;
}

/** The frames of a stream, in pieces as they arrive; ends when the stream does. */
export async function* readFrames(source: Readable): AsyncGenerator<{ kind: FrameKind; content: Buffer }> {
  let rest: Buffer = Buffer.alloc(0);
  let kind: FrameKind | undefined;
  let left = 0;
  for await (const chunk of source as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (;;) {
      if (left === 0) {
        if (rest.length < headBytes) break;
        const letter = rest.toString('latin1', 0, 1);
        kind = frameKinds.find((known) => known === letter);
        left = rest.readUInt32BE(1);
        rest = rest.subarray(headBytes);
        if (kind === undefined || left > maxFrameBytes)
          throw new Error('The answer of the forge is no frame.');
      }
      if (rest.length === 0 || kind === undefined) break;
      const content = rest.subarray(0, left);
      rest = rest.subarray(content.length);
      left -= content.length;
      yield { kind, content };
    }
  }
}
