import { readFileSync } from 'node:fs';
import type { Architecture } from '../../../format/kind/kernel-magic.js';
import { digestFiles } from '../../../io/digest.js';
import type { Archive } from '../../../model/image/archive.js';
import { markerWord } from '../probe/marker.js';
import type { ExpectedPath } from './compare-attested.js';

export interface Attester {
  /** Of the program: an ELF file that needs nothing of the image. */
  readonly path: string;
  readonly program: Uint8Array;
  /** Of the file with its orders; attester.c knows it. */
  readonly ordersPath: string;
  readonly orders: string;
}

interface AttesterRequest {
  readonly architecture: Architecture;
  readonly nonce: string;
  /** Of the device to which it tells; absent: the console. */
  readonly port?: string | undefined;
  /** The program that it becomes. */
  readonly next: string;
  /** Paths of the probe, which are not the image's. */
  readonly own: readonly string[];
}

/** What boots first in an attested boot; its program is attester.c. */
export function createAttester({ architecture, nonce, port, next, own }: AttesterRequest): Attester {
  const path = `${markerWord}.attester`;
  const ordersPath = `${markerWord}.orders`;
  const paths = [path, ordersPath, ...own].map((each) => `/${each}`);
  return {
    path,
    program: readFileSync(new URL(`./attester-${architecture}.elf`, import.meta.url)),
    ordersPath,
    orders: `${[`${markerWord} ${nonce}`, port === undefined ? '' : `/${port}`, next, ...paths].join('\n')}\n`,
  };
}

/** The tree that an image makes, with the digests of its files; reads the bodies whose digests are not known. */
export async function listExpected(image: Archive): Promise<Map<string, ExpectedPath>> {
  const digests = await digestFiles(image, image.entries.keys());
  return new Map([...image.entries].map(([path, entry]) => [path, { ...entry, sha256: digests.get(path) }]));
}
