import { Readable } from 'node:stream';
import { sidecarComment } from '../../format/sidecar.js';
import { createUnreadableError, streamRegular } from '../../io/file/regular-file.js';
import type { Spool } from '../../io/file/spool.js';
import { MobyPatchError } from '../../model/error/error.js';
import { readEntries, type TarRecord } from '../../tar/tar-reader.js';
import { createPathIndex } from '../../tree/path-index.js';
import { parentPath } from '../../tree/resolve.js';
import { readSidecar, type Sidecar } from './read-sidecar.js';
import { digestBody, noBody, type SourceEntry, type SourceTree } from './source-tree.js';

export interface TarSource {
  readonly tree: SourceTree;
  /** Absent when unpack did not write the tar. */
  readonly sidecar?: Sidecar | undefined;
}

/**
 * Reads a tar file. A later record of a name replaces an earlier one with everything below it. Parents without a record
 * are added, since a kernel makes none. Errors: those of reading a tar, `sidecar-invalid`.
 */
export async function readTar(
  path: string,
  name: string,
  spool: Spool,
  signal: AbortSignal,
): Promise<TarSource> {
  const comments: Buffer[] = [];
  const entries = new Map<string, SourceEntry>();
  const onComment = (text: Uint8Array) => {
    const comment = Buffer.from(text);
    if (comment.toString('latin1', 0, sidecarComment.length) === sidecarComment)
      comments.push(comment.subarray(sidecarComment.length));
  };
  const links = new Set<string>();
  const index = createPathIndex([]);
  for await (const { record, body } of readEntries(openTar(path, name), onComment)) {
    signal.throwIfAborted();
    const old = entries.get(record.path);
    if (old?.type === 'directory' && record.type !== 'directory')
      for (const other of index.takeBelow(record.path)) entries.delete(other);
    index.add(record.path);
    if (record.type === 'link') addLink(entries, record, links);
    else entries.set(record.path, await createEntry(record, path, body));
  }
  addParents(entries);
  const tree = { name, entries, shows: (entry: { readonly mode: number }) => entry.mode };
  if (comments.length === 0) return { tree };
  return { tree, sidecar: await readSidecar(Readable.from(comments), name, spool) };
}

/** Error (`invalid`): `input-unreadable`. */
async function* openTar(path: string, name: string): AsyncGenerator<Uint8Array, void, void> {
  try {
    yield* streamRegular(path);
  } catch (cause) {
    const hint = 'give a folder or a tar file, or - for a tar on standard input';
    throw createUnreadableError(cause, { code: 'input-unreadable', what: 'the tar', path: name, hint });
  }
}

async function createEntry(
  record: TarRecord,
  file: string,
  body: AsyncIterable<Uint8Array>,
): Promise<SourceEntry> {
  const { path, type, mode, uid, gid, mtime, size, target, device, position } = record;
  if (type === 'link') throw new TypeError('a link is no entry of its own');
  const read = () => (size === 0 ? noBody() : streamRegular(file, { start: position, end: position + size }));
  return {
    path,
    type,
    mode,
    owner: { uid, gid },
    mtime,
    size: target === undefined ? size : Buffer.byteLength(target),
    ...(target === undefined ? {} : { target }),
    ...(device === undefined ? {} : { device }),
    ...(type === 'file' ? { sha256: await digestBody(body) } : {}),
    body: read,
  };
}

function addLink(entries: Map<string, SourceEntry>, record: TarRecord, links: Set<string>): void {
  const first = entries.get(record.target ?? '');
  if (first === undefined || first.type === 'directory')
    throw new MobyPatchError(
      'invalid',
      'tar-link',
      `a hard link to ${record.target}, which is no file that came before it`,
      { path: record.path, offset: record.position },
    );
  const link = first.link ?? `${first.path}#${links.size}`;
  links.add(link);
  entries.set(first.path, { ...first, link });
  entries.set(record.path, { ...first, path: record.path, link });
}

/** What has entries below it and no record of its own becomes a directory. */
function addParents(entries: Map<string, SourceEntry>): void {
  const newest = [...entries.values()].reduce((most, { mtime }) => Math.max(most, mtime), 0);
  const missing = new Set<string>(entries.has('') ? [] : ['']);
  for (const path of entries.keys()) {
    let at = parentPath(path);
    for (; at !== '' && !entries.has(at) && !missing.has(at); at = parentPath(at)) missing.add(at);
    const found = entries.get(at);
    if (found !== undefined && found.type !== 'directory')
      throw new MobyPatchError('invalid', 'tar-parent', `entries below a ${found.type}`, { path: at });
  }
  for (const path of [...missing].sort())
    entries.set(path, { path, type: 'directory', mode: 0o755, mtime: newest, size: 0, body: noBody });
}
