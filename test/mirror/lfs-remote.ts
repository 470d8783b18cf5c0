// Large files for tests of mirrors: files that point to them, and a server of Git LFS that does what a test wants it to.
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { systemCaller } from '../../src/accounts/system.ts';
import { receiveObject } from '../../src/lfs/receive-object.ts';
import type { Forge } from '../../src/forge/open.ts';
import type { Repo } from '../../src/repos/model.ts';
import { startBackend, type Backend } from '../support/foreign-http.ts';

export const oidOf = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex');

export const pointerTo = (content: string): string =>
  `version https://git-lfs.github.com/spec/v1\noid sha256:${oidOf(content)}\nsize ${content.length}\n`;

/** As somebody uploads it. */
export const keep = (forge: Forge, repo: Repo, content: string): Promise<void> =>
  receiveObject(forge, {
    repo,
    caller: systemCaller(forge),
    object: { oid: oidOf(content), size: content.length },
    body: Readable.from([Buffer.from(content)]),
  });

export interface LfsRemote extends Backend {
  /** What it has, by object id; what it sends is what stands here, whatever its hash is. */
  objects: Map<string, Buffer>;
  /** The object ids of each batch that was asked for. */
  batches: string[][];
  /** How many connections it was asked over for anything of Git LFS. */
  connections: () => number;
  /** Changes what it answers. */
  will: LfsWill;
}

export interface LfsWill {
  /** Where objects are; default: at this server. */
  at?: string;
  /** Answers an upload or a download in the place of the server when it returns true. */
  instead?: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** The status and message of every batch. */
  refuses?: { status: number; message: string };
}

/** Git over HTTP with Git LFS beside it. Objects are let in and out without any credential: who asks is written down. */
export async function startLfsRemote(): Promise<LfsRemote> {
  const objects = new Map<string, Buffer>();
  const batches: string[][] = [];
  const will: LfsWill = {};
  const sockets = new Set<Socket>();
  const backend: Backend = await startBackend({
    instead: (request, response) => {
      const { url = '' } = request;
      const isBatch = url.endsWith('/info/lfs/objects/batch');
      if (!isBatch && !url.startsWith('/objects/')) return false;
      sockets.add(request.socket);
      if (isBatch) void batch(request, response);
      else if (will.instead?.(request, response) !== true) void move(request, response);
      return true;
    },
  });
  const batch = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const asked = JSON.parse((await bodyOf(request)).toString()) as {
      operation: string;
      objects: { oid: string; size: number }[];
    };
    batches.push(asked.objects.map(({ oid }) => oid));
    const type = { 'content-type': 'application/vnd.git-lfs+json' };
    if (will.refuses !== undefined) {
      const { status, message } = will.refuses;
      response.writeHead(status, type).end(JSON.stringify({ message }));
      return;
    }
    const at = will.at ?? `http://127.0.0.1:${backend.port}`;
    const answers = asked.objects.map(({ oid, size }) => {
      const href = `${at}/objects/${oid}`;
      if (asked.operation === 'upload')
        return objects.has(oid)
          ? { oid, size }
          : { oid, size, actions: { upload: { href }, verify: { href } } };
      if (objects.has(oid)) return { oid, size, actions: { download: { href } } };
      return { oid, size, error: { code: 404, message: 'nobody sent it' } };
    });
    response.writeHead(200, type).end(JSON.stringify({ transfer: 'basic', objects: answers }));
  };
  const move = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const oid = (request.url ?? '').slice('/objects/'.length);
    const body = await bodyOf(request);
    if (request.method === 'PUT') objects.set(oid, body);
    response.end(request.method === 'GET' ? objects.get(oid) : '');
  };
  return { ...backend, objects, batches, connections: () => sockets.size, will };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
