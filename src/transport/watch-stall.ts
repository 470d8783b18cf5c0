import type { Request, Response } from 'express';

// Below this in a whole span of time a client is not slow but stalls, on purpose or not.
const minBytesPerSpan = 1024;

/**
 * Drops a client for which git waits: one that sends its body, or takes its answer, slower than about a kilobyte in
 * `seconds`. While git itself is at work nobody waits for the client, and it may be silent.
 */
export function watchStall(
  exchange: { request: Request; response: Response },
  seconds: number,
): { end(): void } {
  const { request, response } = exchange;
  const { socket } = request;
  const moved = () => socket.bytesRead + socket.bytesWritten;
  let before = moved();
  const timer = setInterval(() => {
    const now = moved();
    const mustSend = !request.complete && !request.isPaused();
    const mustTake = response.writableLength > 0;
    if ((mustSend || mustTake) && now - before < minBytesPerSpan) socket.destroy();
    before = now;
  }, seconds * 1000);
  return { end: () => clearInterval(timer) };
}
