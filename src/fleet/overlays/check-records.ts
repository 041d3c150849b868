import { readFileSync } from 'node:fs';
import { createCpioReader } from '../../format/cpio/cpio-reader.js';
import { emptyFields, type RecordFields } from '../../format/cpio/cpio-writer.js';
import { digestBody } from '../../io/digest.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { Archive } from '../../model/image/archive.js';
import type { ArchiveRecord } from '../../model/image/layout.js';
import type { AppendedRecord } from '../../repack/append-plan.js';
import { createCollector } from '../../unpack/collector.js';
import { openImage } from '../../unpack/open-image.js';

const fields = ['mode', ...Object.keys(emptyFields)] as (keyof RecordFields)[];

export interface CheckOptions {
  readonly name: string;
  readonly signal: AbortSignal;
  /** An archive without compression that is small: it is read in one call. */
  readonly isSmall: boolean;
}

/** Reads an overlay's file back: its records are to be the planned ones. Error (`failed`): `output-differs`. */
export async function checkRecords(
  path: string,
  planned: readonly AppendedRecord[],
  { name, signal, isSmall }: CheckOptions,
): Promise<void> {
  const read = isSmall ? readPlain(readFileSync(path)) : undefined;
  if (read !== undefined) return compareRecords(name, read, planned);
  await using image = await openImage(path, { signal, name, digest: true });
  await compareRecords(name, image, planned);
}

/** Undefined for anything but a plain archive that ends with a TRAILER. */
function readPlain(bytes: Uint8Array): Pick<Archive, 'records' | 'digests'> | undefined {
  const reader = createCpioReader();
  const collector = createCollector({ digest: true });
  for (const tokens of [reader.push(bytes), reader.end()])
    for (const token of tokens) {
      if (token.kind === 'problem') return undefined;
      collector.push(token, 0, 'position' in token ? token.position : 0);
    }
  const { records, digests } = collector.finish();
  const entries = records.filter((record) => record !== undefined);
  return entries.length === records.length - 1 && records.at(-1) === undefined
    ? { records: entries, digests }
    : undefined;
}

async function compareRecords(
  name: string,
  { records, digests }: Pick<Archive, 'records' | 'digests'>,
  planned: readonly AppendedRecord[],
): Promise<void> {
  if (records.length !== planned.length)
    throw createDifference(name, `found ${records.length} records, wanted ${planned.length}`);
  for (const [index, wanted] of planned.entries()) {
    const record = records[index];
    const fault =
      record && (compareRecord(record, wanted) ?? (await compareBody(digests.get(record), wanted)));
    if (fault !== undefined) throw createDifference(name, `${wanted.name}: ${fault}`);
  }
}

function compareRecord({ name, header, target }: ArchiveRecord, wanted: AppendedRecord): string | undefined {
  if (name !== wanted.name || target !== wanted.target) return `found the record ${name}`;
  const planned: RecordFields = { ...emptyFields, ...wanted.header };
  const other = fields.find((field) => header[field] !== planned[field]);
  return other && `${other} is ${header[other]}, wanted ${planned[other]}`;
}

async function compareBody(
  found: string | undefined,
  { body, target }: AppendedRecord,
): Promise<string | undefined> {
  if (target !== undefined || body === undefined) return undefined;
  return found === (await digestBody(body)) ? undefined : 'has other contents';
}

function createDifference(path: string, found: string): MobyPatchError {
  const message = `the written overlay is not what it should be: ${found}`;
  return new MobyPatchError('failed', 'output-differs', message, {
    path,
    hint: 'nothing was replaced; this is a defect: please report it',
  });
}
