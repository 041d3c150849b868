import { readFile, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { encodePadding, encodeRecord, encodeTrailer } from '#src/format/cpio/cpio-writer.js';
import { createMode } from '#src/format/mode.js';
import type { EntryType } from '#src/model/image/entry.js';
import { busybox } from '../fixtures/images/busybox.js';

export interface TinyEntry {
  readonly path: string;
  readonly type?: EntryType;
  readonly mode?: number;
  /** A file's content, a symlink's target. */
  readonly body?: string | Uint8Array;
}

const applets = [
  'sh',
  'mount',
  'sleep',
  'cat',
  'head',
  'mkdir',
  'cp',
  'switch_root',
  'chroot',
  'insmod',
  'ip',
  'echo',
];

/** A root file system of one busybox and what is given; `init` is the text of /init, undefined for none. */
export async function createTinyArchive(
  init: string | undefined,
  more: readonly TinyEntry[] = [],
): Promise<Buffer> {
  const folders = ['bin', 'dev', 'proc', 'sys', 'mnt', 'etc'];
  const entries: TinyEntry[] = [
    ...folders.map((path): TinyEntry => ({ path, type: 'directory', mode: 0o755 })),
    { path: 'bin/busybox', mode: 0o755, body: await readFile(busybox) },
    ...applets.map((name): TinyEntry => ({ path: `bin/${name}`, type: 'symlink', body: 'busybox' })),
    ...(init === undefined ? [] : [{ path: 'init', mode: 0o755, body: init }]),
    ...more,
  ];
  return Buffer.concat([...entries.map(encodeEntry), encodeTrailer()]);
}

export async function writeTinyImage(
  path: string,
  init: string | undefined,
  more: readonly TinyEntry[] = [],
): Promise<string> {
  await writeFile(path, gzipSync(await createTinyArchive(init, more), { level: 1 }));
  return path;
}

export function encodeEntry({ path, type = 'file', mode = 0o644, body = '' }: TinyEntry): Uint8Array {
  const bytes = Buffer.from(body);
  const record = encodeRecord({ mode: createMode(type, mode), filesize: bytes.length }, Buffer.from(path));
  return Buffer.concat([record, bytes, encodePadding(bytes.length)]);
}
