// The program that puts `git http-backend` behind HTTP: `node plain-http.ts FOLDER` prints the port it listens on.
// A process of its own, as a web server is, so that what it costs can be told from what the clients cost.
import { spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const projects = process.argv[2] ?? '';
const env = {
  PATH: process.env['PATH'] ?? '',
  HOME: projects,
  GIT_PROJECT_ROOT: projects,
  GIT_HTTP_EXPORT_ALL: '1',
  // http-backend takes pushes only from somebody who signed in.
  REMOTE_USER: 'ada',
};
const server = createServer({ requestTimeout: 0 }, answer);
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));

function answer(request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const header = (name: string): string => String(request.headers[name] ?? '');
  const child = spawn('git', ['http-backend'], {
    env: {
      ...env,
      REQUEST_METHOD: request.method ?? 'GET',
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      CONTENT_TYPE: header('content-type'),
      HTTP_CONTENT_ENCODING: header('content-encoding'),
      GIT_PROTOCOL: header('git-protocol'),
      ...(header('content-length') === '' ? {} : { CONTENT_LENGTH: header('content-length') }),
    },
  });
  child.stdin.on('error', () => undefined);
  request.pipe(child.stdin);
  let head = Buffer.alloc(0);
  const readHead = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    for (const line of head.subarray(0, end).toString().split('\r\n')) {
      const [name = '', ...value] = line.split(': ');
      if (name === 'Status') response.statusCode = Number.parseInt(value[0] ?? '', 10);
      else response.setHeader(name, value.join(': '));
    }
    child.stdout.off('data', readHead);
    response.write(head.subarray(end + 4));
    child.stdout.pipe(response);
  };
  child.stdout.on('data', readHead);
}
