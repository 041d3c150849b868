import type { InputFile } from '../../io/file/input-file.js';
import { streamRegular } from '../../io/file/regular-file.js';
import { saveBytes } from '../../io/file/save-bytes.js';
import { runProcess } from '../../io/process/process.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { Bytes } from '../../model/image/entry.js';
import { sectorSize } from './descriptors.js';

/** The application use field of the primary volume descriptor (ECMA-119, 8.4.32). */
const ownBytes = { from: 16 * sectorSize + 883, size: 512 };
/** Seconds. */
const patience = 600;

/** Whether `implantisomd5` marked the image as supported; undefined: it has put no sum into the image. */
async function readImplanted(file: InputFile): Promise<{ readonly isSupported: boolean } | undefined> {
  const { from, size } = ownBytes;
  const text = Buffer.from(await file.read(from, from + size)).toString('latin1');
  return text.includes('ISO MD5SUM = ') ? { isSupported: /RHLISOSTATUS ?= ?1/.test(text) } : undefined;
}

export interface ImplantRequest {
  readonly old: InputFile;
  /** The new image. */
  readonly bytes: Bytes;
  /** A private folder. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/**
 * Renews the sum in an image by `implantisomd5`, if the old one had a sum. `told`: the end of the line that reports it; empty
 * without a sum.
 */
export async function renewImplanted({
  old,
  bytes,
  folder,
  signal,
}: ImplantRequest): Promise<{ bytes: Bytes; told: string }> {
  const implanted = await readImplanted(old);
  if (implanted === undefined) return { bytes, told: '' };
  const path = `${folder}/implanted.iso`;
  await saveBytes(path, bytes, signal);
  const argv = ['implantisomd5', '--force', ...(implanted.isSupported ? ['--supported-iso'] : []), path];
  const told = await runProcess(argv, { signal, timeout: patience, package: 'isomd5sum' }).then(
    ({ exitCode }) => (exitCode === 0 ? '; its implanted MD5 is new' : outdated),
    (error) => {
      if (error instanceof MobyPatchError && error.code === 'program-missing') return outdated;
      throw error;
    },
  );
  return { bytes: streamRegular(path), told };
}

const outdated =
  '; its implanted MD5 is that of the old one: implantisomd5 --force FILE corrects it (Debian: isomd5sum)';
