import { runFilter } from '../../../compress/run-filter.js';
import { MobyPatchError } from '../../../model/error/error.js';
import type { Bytes } from '../../../model/image/entry.js';
import { type PackItem, packEntries } from '../../../tar/tar-writer.js';
import type { RootEntry } from '../root-tree.js';
import { mendTables } from './mend-tables.js';
import type { Superblock } from './superblock.js';

export interface SquashfsRequest {
  readonly entries: readonly RootEntry[];
  bodies(isWanted: (entry: RootEntry) => boolean): AsyncIterable<readonly [entry: RootEntry, body: Bytes]>;
  /** Of the old file system. */
  readonly superblock: Superblock;
  readonly destination: string;
  readonly signal: AbortSignal;
  /** What messages call it. */
  readonly name: string;
}

/** Bytes on its standard output, which is no part of the file system. */
const mostSaid = 2 ** 20;

/**
 * Writes a squashfs by `tar2sqfs` with the compressor, the block size and the date of the old one: the same entries give the same
 * bytes. Errors: `wrapper-program`, `program-missing`.
 */
export async function writeSquashfs(request: SquashfsRequest): Promise<void> {
  const { superblock, destination, signal, name } = request;
  const { compressor, blockSize, isExportable, options, time } = superblock;
  const argv = [
    ...(['tar2sqfs', '--quiet', '--no-skip'] as const),
    ...['--compressor', compressor, '--block-size', String(blockSize)],
    ...(options === '' ? [] : ['--comp-extra', options]),
    ...(isExportable ? ['--exportable'] : []),
    destination,
  ] as const;
  const failure = (said: string) =>
    new MobyPatchError('failed', 'wrapper-program', `tar2sqfs: ${said}`, {
      path: name,
      hint: 'moby-patch unpack takes the file system apart',
    });
  const environment = { SOURCE_DATE_EPOCH: String(time) };
  const filter = { argv, package: 'squashfs-tools-ng', environment, failure, signal };
  let said = 0;
  for await (const { length } of runFilter(filter, packEntries(listItems(request)))) {
    said += length;
    if (said > mostSaid) throw failure('it says more than it is asked for');
  }
  if (compressor === 'lz4') await mendTables(destination);
}

/** The first name of a file has its body; further links come behind all bodies. */
async function* listItems({ entries, bodies }: SquashfsRequest): AsyncGenerator<PackItem, void, void> {
  const written = new Set<RootEntry>();
  for (const entry of entries)
    if (entry.type !== 'file' && entry.type !== 'socket') yield { entry, attributes: entry.attributes };
  for await (const [entry, body] of bodies(() => true)) {
    written.add(entry);
    yield { entry, body, attributes: entry.attributes };
  }
  for (const entry of entries)
    if (entry.type === 'file' && !written.has(entry)) yield { entry, attributes: entry.attributes };
}
