import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { findMissingProgram, findOwnAddress } from '../../fixtures/needs.js';

/** Of this machine: its loopback interface is closed to steps. */
const ownAddress = findOwnAddress();
export const noAddress =
  ownAddress === undefined
    ? 'skipped: no network interface besides the loopback'
    : findMissingProgram('slirp4netns');

export interface PackageServer {
  readonly address: string;
  /** The packages that were requested since its last call. */
  asked(): string[];
  close(): void;
}

/** A repository behind HTTP. */
export async function servePackages(t: ExecutionContext, folder: string): Promise<PackageServer> {
  let asked: string[] = [];
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(request.url ?? '').replace(/^\/+(?:\.\/)?/, '');
    const body = await readFile(join(folder, path)).catch(() => undefined);
    if (/\.(?:apk|deb)$/.test(path)) asked.push(path.slice(path.lastIndexOf('/') + 1));
    response.writeHead(body === undefined ? 404 : 200).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, ownAddress, resolve));
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  t.teardown(close);
  return {
    address: `http://${ownAddress}:${(server.address() as AddressInfo).port}`,
    close,
    asked() {
      const before = asked.sort();
      asked = [];
      return before;
    },
  };
}
