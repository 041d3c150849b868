import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Answer = (request: IncomingMessage, response: ServerResponse, body: Buffer) => boolean | undefined;

interface Question {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: Buffer;
  readonly url: URL;
  readonly method: string | undefined;
  /** The last part of the path. */
  readonly name: string;
}

export interface FakeRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** `METHOD /path` of each request so far. */
  readonly requests: readonly string[];
  readonly blobs: Map<string, Buffer>;
  readonly manifests: Map<string, Buffer>;
}

/** A registry in this process. `disturb` sees each request first, and answers it where it returns true. */
export async function startFakeRegistry(disturb: Answer = () => false): Promise<FakeRegistry> {
  const requests: string[] = [];
  const blobs = new Map<string, Buffer>();
  const manifests = new Map<string, Buffer>();
  const uploads = new Map<string, Buffer>();

  const range = (path: string, bytes: Buffer) => ({
    location: path,
    range: `0-${Math.max(0, bytes.length - 1)}`,
  });

  function answerManifest({ method, name, response, body }: Question): void {
    if (method === 'PUT') manifests.set(name, body);
    const found = manifests.get(name);
    response.writeHead(found === undefined ? 404 : method === 'PUT' ? 201 : 200).end(found);
  }

  function answerUpload({ method, name, response, body, request, url }: Question): void {
    const held = uploads.get(name) ?? Buffer.alloc(0);
    if (method === 'GET') return void response.writeHead(204, range(url.pathname, held)).end();
    const [start] = String(request.headers['content-range'] ?? held.length).split('-');
    if (Number(start) !== held.length) return void response.writeHead(416, range(url.pathname, held)).end();
    const all = Buffer.concat([held, body]);
    uploads.set(name, all);
    if (method === 'PATCH') return void response.writeHead(202, range(url.pathname, all)).end();
    const digest = `sha256:${createHash('sha256').update(all).digest('hex')}`;
    if (digest === url.searchParams.get('digest')) blobs.set(digest, all);
    response.writeHead(blobs.has(digest) ? 201 : 400).end();
  }

  function answerBlob({ method, name, response, url }: Question): void {
    if (method === 'POST') {
      const id = `${uploads.size}`;
      uploads.set(id, Buffer.alloc(0));
      return void response.writeHead(202, { location: `${url.pathname}${id}` }).end();
    }
    const found = blobs.get(name);
    response.writeHead(found === undefined ? 404 : 200).end(method === 'HEAD' ? undefined : found);
  }

  function answer(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const url = new URL(request.url ?? '', 'http://fake');
    const { pathname } = url;
    const question = {
      request,
      response,
      body,
      url,
      method: request.method,
      name: pathname.split('/').at(-1) ?? '',
    };
    if (pathname.includes('/manifests/')) answerManifest(question);
    else if (/\/uploads\/./.test(pathname)) answerUpload(question);
    else answerBlob(question);
  }

  const server = createServer(async (request, response) => {
    requests.push(`${request.method} ${request.url}`);
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece);
    const body = Buffer.concat(pieces);
    if (disturb(request, response, body) !== true) answer(request, response, body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    blobs,
    manifests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}
