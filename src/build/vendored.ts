import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { digestBytes } from '../io/digest.js';
import { createUnreadableError, streamRegular } from '../io/file/regular-file.js';
import { createSpool, type Spool } from '../io/file/spool.js';
import { MobyPatchError, uniteErrors } from '../model/error/error.js';
import type { Bytes } from '../model/image/entry.js';
import type { VendoredDownloads } from '../model/patch/lock.js';
import type { Step } from '../model/patch/patch.js';
import type { Download, VendoredFile } from '../model/patch/workspace.js';
import { formatPosition } from '../yaml/problems.js';

/** What is kept beside a lock; its folder is absolute. */
export interface VendorOptions {
  readonly vendor: VendoredDownloads;
  /** A private folder. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/**
 * Copies what is kept beside the lock into a private folder, where nobody changes it, and compares the copies with the
 * lock. Errors (`invalid`): `vendor-missing`, `vendor-changed`, for all files at once.
 */
export async function openVendored({ vendor, folder, signal }: VendorOptions): Promise<VendoredFile[]> {
  const place = join(folder, 'vendored');
  await mkdir(place, { mode: 0o700 });
  const spool = createSpool(place);
  const opened: VendoredFile[] = [];
  const problems: MobyPatchError[] = [];
  for (const file of vendor.files) {
    signal.throwIfAborted();
    try {
      opened.push(await openFile(file, vendor, spool));
    } catch (error) {
      if (!(error instanceof MobyPatchError)) throw error;
      problems.push(error);
    }
  }
  const [first, ...rest] = problems;
  if (first === undefined) return opened;
  const message = `${problems.length} files in ${vendor.folder} are not those of the lock`;
  throw uniteErrors('vendor-changed', message, [first, ...rest]);
}

const hint =
  'get the folder again from where the lock came from, or build without --offline and then moby-patch lock --vendor DIR';

async function openFile(file: Download, vendor: VendoredDownloads, spool: Spool): Promise<VendoredFile> {
  const path = join(vendor.folder, file.manager, file.name);
  // One byte more than the lock has tells a longer file, and an endless one ends.
  const source = streamRegular(path, { end: file.size + 1 });
  const copy = await spool.add(source).catch((cause) => {
    throw createUnreadableError(cause, { code: 'vendor-missing', what: 'a package of the lock', path, hint });
  });
  const found = await digestBytes(copy.body());
  if (copy.size === file.size && found === file.sha256) return { ...file, body: (): Bytes => copy.body() };
  const size = copy.size > file.size ? `more than ${file.size}` : copy.size;
  const message = `found ${size} bytes with the digest ${found}, wanted ${file.size} with ${file.sha256}`;
  throw new MobyPatchError('invalid', 'vendor-changed', message, { path, hint });
}

/** Steps that would need a network. Error (`invalid`): `offline-network`. */
export function refuseNetwork(steps: readonly Step[], vendor: VendoredDownloads | undefined): void {
  const isKept = ({ kind }: Step) => kind === 'package' && vendor !== undefined;
  const wanting = steps.filter((step) => step.needs.includes('network') && !isKept(step));
  if (wanting.length === 0) return;
  const names = wanting.map(({ summary, at }) => `${summary} (${formatPosition(at)})`);
  const count = names.length === 1 ? 'one step needs' : `${names.length} steps need`;
  const packages =
    'build without --offline, then moby-patch lock --vendor DIR, then build --locked --offline';
  const others = 'take "network: true" out of the step, and put what it gets into the patch folder';
  const hints = [
    ...(wanting.some(({ kind }) => kind === 'package') ? [packages] : []),
    ...(wanting.some(({ kind }) => kind !== 'package') ? [others] : []),
  ];
  throw new MobyPatchError(
    'invalid',
    'offline-network',
    `${count} a network, which --offline forbids: ${names.join('; ')}`,
    { hint: hints.join('; ') },
  );
}
