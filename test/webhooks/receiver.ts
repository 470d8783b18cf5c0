// A receiver of webhooks: a real server that keeps what it was sent, and answers as the test says.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface Receiver {
  url: string;
  port: number;
  received: Received[];
  close: () => void;
}

/** `answer` is given the number of the request, from 1; without one every answer is 204. */
export async function openReceiver(
  answer: (response: ServerResponse, number: number) => void = (response) => {
    response.writeHead(204).end();
  },
  at: { host: string; port: number } = { host: '127.0.0.1', port: 0 },
): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      received.push({ path: request.url ?? '', headers: request.headers, body });
      answer(response, received.length);
    });
  }).listen(at.port, at.host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${at.host}:${port}/hook`,
    port,
    received,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
