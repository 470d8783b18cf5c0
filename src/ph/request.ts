// One request over HTTP. Node's own `fetch` would take longer to load than everything else that a command does.

export interface Request {
  method: string;
  headers: Record<string, string>;
  body: string | undefined;
  /** For the whole of it. */
  timeoutMs: number;
}

export interface Reply {
  status: number;
  body: Buffer;
  /** The first value of a header; undefined when there is none. */
  header: (name: string) => string | undefined;
}

/** Sends it and reads the answer; a redirect is an answer as well, and is not followed. */
export async function request(url: URL, { method, headers, body, timeoutMs }: Request): Promise<Reply> {
  const http = url.protocol === 'https:' ? await import('node:https') : await import('node:http');
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  const signal = AbortSignal.timeout(timeoutMs);
  const sent = http.request(url, { method, headers, signal }, (response) => {
    const parts: Buffer[] = [];
    response.on('data', (part: Buffer) => void parts.push(part));
    response.on('error', reject);
    response.on('end', () =>
      resolve({
        status: response.statusCode ?? 0,
        body: Buffer.concat(parts),
        header: (name) => [response.headers[name]].flat()[0],
      }),
    );
  });
  sent.on('error', reject);
  sent.end(body);
  return promise;
}
