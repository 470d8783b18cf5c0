import type { IncomingMessage } from 'node:http';
import { Transform, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { ForgeError } from '../lib/errors.ts';

/**
 * A request's body as a stream, unpacked when git sent it gzipped. Refuses other encodings (`invalid`) at once,
 * and in the stream a body that is not gzip (`invalid`) or becomes more than `maxBytes` (`too_large`).
 */
export function readBody(request: IncomingMessage, maxBytes: number): Readable {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  const limited = limit(maxBytes);
  if (encoding === 'identity') return request.on('error', (error) => limited.destroy(error)).pipe(limited);
  if (encoding !== 'gzip' && encoding !== 'x-gzip') {
    throw new ForgeError('invalid', 'The body may be sent as it is or as gzip, and in no other encoding.');
  }
  const gunzip = createGunzip();
  gunzip.on('error', (cause) =>
    limited.destroy(new ForgeError('invalid', 'The body is not the gzip that it says it is.', { cause })),
  );
  request.on('error', (error) => limited.destroy(error));
  limited.on('close', () => gunzip.destroy());
  return request.pipe(gunzip).pipe(limited);
}

function limit(maxBytes: number): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, next) {
      bytes += chunk.length;
      if (bytes <= maxBytes) next(null, chunk);
      else
        next(new ForgeError('too_large', `The body has more than ${maxBytes} bytes. Push in smaller parts.`));
    },
  });
}
